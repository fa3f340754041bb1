// All rooms of one relay process, each loaded when its first member comes and dropped when its last one has gone.
import { randomUUID } from 'node:crypto'
import { MerrowError } from '../../src/errors.ts'
import { CloseCode, MAX_NAME_LENGTH } from '../../src/sync/wire.ts'
import { notesOf } from '../guard/notes.ts'
import type { Refusal } from '../guard/verdict.ts'
import type { Log } from '../log/port.ts'
import type { Logger } from '../logger.ts'
import { updatesOf } from './answer.ts'
import { createKeeper, type Keeper, type Taken } from './keeper.ts'
import { ANYBODY, type Entrant, type Member } from './member.ts'
import { Membership } from './membership.ts'
import { Room, type RoomContext } from './room.ts'
import type { Snapshotter } from './snapshotter.ts'

/** What a hub is made of, and its bounds. */
export interface HubOptions {
  readonly log: Log
  readonly snapshotter: Snapshotter
  readonly logger: Logger
  /** A log tail of this many updates is made into a snapshot (default 500). */
  readonly snapshotAfterUpdates?: number | undefined
  /** A log tail of this many bytes is made into a snapshot (default 4 MiB). */
  readonly snapshotAfterBytes?: number | undefined
  /** Largest stock frame that is read, in bytes (default 64 MiB). */
  readonly maxFrameBytes?: number | undefined
  /** Most bytes of one document, snapshot and tail together (default 512 MiB). */
  readonly maxDocumentBytes?: number | undefined
  /** Wall clock, milliseconds since the epoch; stamps are compared with it. */
  readonly now?: (() => number) | undefined
  /** Resolves after so many milliseconds; keeps no process alive. */
  readonly after?: ((ms: number) => Promise<void>) | undefined
  /** Told of every update that the guard refused, by its word for the reason. */
  readonly onRefused?: ((refusal: Refusal, document: string) => void) | undefined
}

/** The rooms of a relay. */
export interface Hub {
  /** Whether a document may be called so: 1-256 of `A-Z a-z 0-9 . _ ~ / @ : + = -`, with no `..` between slashes. */
  isName(document: string): boolean
  /** The same name, as the string that a room in memory has already: each connection would hold one of its own. */
  shared(document: string): string
  /** Brings a member into a document's room; `document` has passed {@link Hub.isName}. */
  join(document: string, member: Member, entrant?: Entrant): Membership
  /** The documents' snapshots. */
  readonly keeper: Keeper
  /** Number of rooms in memory. */
  readonly size: number
  /** The rooms in memory. */
  readonly rooms: Iterable<Room>
  /**
   * Brings a document back to one of its snapshots by an update that undoes what was written since; members get it like
   * any other. What it held before is kept as a snapshot.
   *
   * @throws {@link MerrowError} `invalid_argument` if that snapshot is not kept, `unsupported` if it cannot be undone.
   */
  restore(document: string, upTo: number, into?: string): Promise<void>
  /** Deletes a document for good; members are closed with 4404. @returns Whether there was one. */
  remove(document: string): Promise<boolean>
  /** Makes a snapshot of every document in memory that has changed since its last one. */
  snapshotAll(): Promise<void>
  /** Takes no more frames, and resolves once everything taken is durable and acknowledged. */
  drain(): Promise<void>
}

/** Creates a hub without rooms. */
export const createHub = (options: HubOptions): Hub => {
  const { log, logger, snapshotter, maxFrameBytes = 64 * 1024 * 1024 } = options
  const rooms = new Map<string, Room>()
  // Through the room, which leaves out what breaks the document.
  const read = (document: string) => {
    const room = roomOf(document)
    return room.hold(() => room.read())
  }
  const onTaken = (document: string, taken: Taken) => rooms.get(document)?.noteTaken(taken)
  const keeper = createKeeper({ log, read, snapshotter, onTaken })
  /** Appends that are under way. */
  let running = 0
  let onIdle: () => void = () => {}
  const end = (): void => {
    running -= 1
    if (running === 0) onIdle()
  }
  let lastNumber = 0
  let isDraining = false

  const context: RoomContext = {
    log,
    logger,
    keeper,
    snapshotter,
    snapshotAfterUpdates: options.snapshotAfterUpdates ?? 500,
    maxDocumentBytes: options.maxDocumentBytes ?? 512 * 1024 * 1024,
    now: options.now ?? Date.now,
    after: options.after ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms).unref())),
    onRefused: options.onRefused ?? (() => {}),
    snapshotAfterBytes: options.snapshotAfterBytes ?? 4 * 1024 * 1024,
    begin: () => {
      running += 1
      return end
    },
    onCold: (room) => {
      if (rooms.get(room.document) === room) rooms.delete(room.document)
    },
  }

  const membershipOptions = { maxFrameBytes, logger, isDraining: () => isDraining }

  const roomOf = (document: string): Room => {
    const room = rooms.get(document)
    if (room === undefined) {
      lastNumber += 1
      const made = new Room(document, lastNumber, context)
      rooms.set(document, made)
      // A room that could not be read is no empty room: the next member tries again.
      made.loaded.catch(() => context.onCold(made))
      return made
    }
    return room
  }

  return {
    isName: isDocumentName,
    keeper,
    join: (document, member, entrant = { ...ANYBODY }) =>
      new Membership(roomOf(document), member, entrant, membershipOptions),
    get size() {
      return rooms.size
    },
    get rooms() {
      return rooms.values()
    },
    async restore(document, upTo, into = document) {
      const former = await log.readSnapshot(document, upTo)
      if (former === undefined) throw noSnapshot(document, upTo)
      const state = await former.state()
      if (into === document) await keeper.snapshot(document)
      const room = roomOf(into)
      await room.hold(async () => {
        const current = await updatesOf(await room.read())
        if (into !== document && current.length > 0) throw isUsed(into)
        // It brings all of the row log along, and is seldom asked for.
        const { revertUpdate } = await import('./revert.ts')
        const options = { replica: `restore.${randomUUID()}`, now: Date.now }
        await room.write(into === document ? revertUpdate(current, state, options) : state)
      })
    },
    shared: (document) => rooms.get(document)?.document ?? document,
    async remove(document) {
      const isRemoved = await log.remove(document)
      await log.remove(notesOf(document))
      rooms.get(document)?.close(CloseCode.deleted, 'the document was deleted')
      return isRemoved
    },
    async snapshotAll() {
      await Promise.allSettled([...rooms.values()].map((room) => room.snapshotNow()))
    },
    async drain() {
      isDraining = true
      while (running > 0) {
        await new Promise<void>((resolve) => {
          onIdle = resolve
        })
      }
      // The acknowledgements of what has just settled are still on their way through the microtasks.
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

const isDocumentName = (document: string): boolean =>
  document.length <= MAX_NAME_LENGTH && /^[A-Za-z0-9._~/@:+=-]+$/.test(document) && !document.split('/').includes('..')

const noSnapshot = (document: string, upTo: number): MerrowError =>
  new MerrowError(
    'invalid_argument',
    `There is no snapshot ${upTo} of document "${document}". "merrow snapshots ${document}" lists those that are kept.`,
  )

const isUsed = (document: string): MerrowError =>
  new MerrowError('invalid_argument', `Cannot restore into document "${document}": there is one. Give a new name.`)
