// Makes snapshots of documents, one at a time for each, and what can be done with those that are kept. Knows no members.
import { LENGTH_BYTES } from '../log/packed.js'
import type { Log, LogContent, StoredSnapshot } from '../log/port.ts'
import { snapshotOf, stateOf } from './answer.ts'
import type { Snapshotter } from './snapshotter.ts'

/** What a snapshot took out of the log's tail. */
export interface Taken {
  readonly updates: number
  readonly bytes: number
  /** Length of the snapshot's state. */
  readonly stateBytes: number
}

/** Keeps the documents of one log in snapshots. */
export interface Keeper {
  /** Makes a snapshot of what the log holds, proves and stores it. Those who ask meanwhile wait for the same. */
  snapshot(document: string): Promise<Taken>
  /** The newest snapshot, made now if the log holds more; `undefined` for a document that there is nothing of. */
  current(document: string): Promise<StoredSnapshot | undefined>
  /** Snapshots made, failed ones, and when the last one was stored, in milliseconds since 1970. */
  readonly counts: { readonly made: number; readonly failed: number; readonly lastAt: number | undefined }
}

/** What a keeper is made of. */
export interface KeeperOptions {
  readonly log: Log
  /** Reads what is to be in a snapshot. */
  readonly read: (document: string) => Promise<LogContent>
  readonly snapshotter: Snapshotter
  /** Told what a snapshot that was stored took out of a document's tail. */
  readonly onTaken: (document: string, taken: Taken) => void
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined
}

/** Creates a keeper. */
export const createKeeper = ({ log, read, snapshotter, onTaken, now = Date.now }: KeeperOptions): Keeper => {
  const making = new Map<string, Promise<Taken>>()
  const counts = { made: 0, failed: 0, lastAt: undefined as number | undefined }

  const make = async (document: string): Promise<Taken> => {
    try {
      const content = await read(document)
      // Measured before: making takes the bytes away.
      const updates = content.upTo - (content.snapshot?.upTo ?? 0)
      const taken = {
        updates,
        bytes: content.packed.reduce((sum, { length }) => sum + length, -LENGTH_BYTES * updates),
        stateBytes: content.snapshot?.bytes ?? 0,
      }
      if (taken.updates === 0) return taken
      const state = await stateOf(content)
      // A long tail takes a while to read, and to hand over: others get their turn between.
      await new Promise((resolve) => setImmediate(resolve))
      const made = await snapshotter.make(state, content.packed)
      const stateBytes = made.state.length
      await log.putSnapshot(document, snapshotOf(content, made))
      counts.made += 1
      counts.lastAt = now()
      onTaken(document, { ...taken, stateBytes })
      return taken
    } catch (error) {
      counts.failed += 1
      throw error
    }
  }

  const snapshot = (document: string): Promise<Taken> => {
    const running = making.get(document) ?? make(document).finally(() => making.delete(document))
    making.set(document, running)
    return running
  }

  return {
    snapshot,
    async current(document) {
      const { snapshot: stored, upTo } = await log.read(document)
      if (upTo === (stored?.upTo ?? 0)) return stored
      await snapshot(document)
      return (await log.read(document)).snapshot
    },
    counts,
  }
}
