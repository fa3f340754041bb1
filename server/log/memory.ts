// A log that forgets when the process ends: for tests and for trying things out. Knows nothing of disks.
import { MerrowError } from '../../src/errors.ts'
import { contentOfEntries } from './content.ts'
import { deleted } from './fault.ts'
import type { Log, LogEntry, Retention, StoredSnapshot } from './port.ts'
import { DEFAULT_RETENTION, keptOf } from './retention.ts'

interface Held {
  head: number
  isDeleted: boolean
  /** Newest first. */
  snapshots: readonly StoredSnapshot[]
  entries: readonly LogEntry[]
}

/** How a log in memory is set up. */
export interface MemoryLogOptions {
  /** Which former snapshots are kept; by default a hundred, an hour apart, for thirty days. */
  readonly retention?: Retention | undefined
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined
}

/**
 * Opens an empty log in memory.
 *
 * @returns A {@link Log} whose promises resolve at once and which keeps nothing.
 */
export const openMemoryLog = ({ retention = DEFAULT_RETENTION, now = Date.now }: MemoryLogOptions = {}): Log => {
  const documents = new Map<string, Held>()
  let isOpen = true

  const use = (document: string): Held => {
    if (!isOpen) throw closed()
    const found = documents.get(document) ?? { head: 0, isDeleted: false, snapshots: [], entries: [] }
    if (found.isDeleted) throw deleted(document)
    return found
  }

  return {
    async append(document, updates) {
      const log = use(document)
      documents.set(document, log)
      // Copies: the caller's bytes are often a view into a much larger network buffer.
      log.entries = [
        ...log.entries,
        ...updates.map((update, at) => ({ seq: log.head + at + 1, update: update.slice() })),
      ]
      log.head += updates.length
      return log.head
    },
    async read(document) {
      const { snapshots, entries } = use(document)
      return contentOfEntries(snapshots[0], entries)
    },
    async putSnapshot(document, { state, ...snapshot }) {
      const log = use(document)
      if (snapshot.upTo <= (log.snapshots[0]?.upTo ?? 0)) return false
      const stored: StoredSnapshot = {
        ...snapshot,
        takenAt: now(),
        bytes: state.length,
        // A copy: snapshots are handed over to a thread, which empties them here.
        state: async () => state.slice(),
        async *stream(start, end) {
          yield state.subarray(start, end)
        },
      }
      documents.set(document, log)
      log.snapshots = keptOf([stored, ...log.snapshots], retention, now())
      log.entries = log.entries.filter(({ seq }) => seq > snapshot.upTo)
      log.head = Math.max(log.head, snapshot.upTo)
      return true
    },
    async snapshots(document) {
      return use(document).snapshots.map(({ upTo, takenAt, bytes }) => ({ upTo, takenAt, bytes }))
    },
    async readSnapshot(document, upTo) {
      return use(document).snapshots.find((snapshot) => snapshot.upTo === upTo)
    },
    async remove(document) {
      if (!isOpen) throw closed()
      const log = documents.get(document)
      if (log === undefined || log.isDeleted) return false
      documents.set(document, { head: log.head, isDeleted: true, snapshots: [], entries: [] })
      return true
    },
    async documents() {
      return [...documents].flatMap(([name, { isDeleted }]) => (isDeleted ? [] : [name])).sort()
    },
    async close() {
      isOpen = false
    },
  }
}

const closed = () => new MerrowError('storage_failed', 'Cannot use the log: it is closed. Open it again first.')
