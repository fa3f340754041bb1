// A log that forgets when the process ends: for tests and for trying things out. Knows nothing of disks.
import { MerrowError } from '../../src/errors.ts'
import type { Log, LogEntry, Snapshot } from './port.ts'

interface Held {
  head: number
  snapshot: Snapshot | undefined
  entries: readonly LogEntry[]
}

/**
 * Opens an empty log in memory.
 *
 * @returns A {@link Log} whose promises resolve at once and which keeps nothing.
 */
export const openMemoryLog = (): Log => {
  const held = new Map<string, Held>()
  let isOpen = true

  const use = (document: string): Held => {
    if (!isOpen) throw closed()
    const found = held.get(document) ?? { head: 0, snapshot: undefined, entries: [] }
    held.set(document, found)
    return found
  }

  return {
    async append(document, updates) {
      const log = use(document)
      // Copies: the caller's bytes are often a view into a much larger network buffer.
      log.entries = [
        ...log.entries,
        ...updates.map((update, at) => ({ seq: log.head + at + 1, update: update.slice() })),
      ]
      log.head += updates.length
      return log.head
    },
    async read(document) {
      if (!isOpen) throw closed()
      const log = held.get(document)
      return { snapshot: log?.snapshot, entries: log?.entries ?? [] }
    },
    async putSnapshot(document, snapshot) {
      const log = use(document)
      if (snapshot.upTo <= (log.snapshot?.upTo ?? 0)) return false
      log.snapshot = snapshot
      log.entries = log.entries.filter(({ seq }) => seq > snapshot.upTo)
      log.head = Math.max(log.head, snapshot.upTo)
      return true
    },
    async documents() {
      return [...held.keys()].sort()
    },
    async close() {
      isOpen = false
    },
  }
}

const closed = () => new MerrowError('storage_failed', 'Cannot use the log: it is closed. Open it again first.')
