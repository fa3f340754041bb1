// A disk that fails on purpose at one of its calls, around the real one. It counts its calls, and
// syncs nothing: no power is cut here.
import { mkdirSync } from 'node:fs'
import { type Disk, nodeDisk } from '../log/files/disk.ts'

/** How a call fails: not at all done, half done, no room after half of it, or done but not on disk. */
export type FaultKind = 'fails' | 'torn' | 'full' | 'unsynced'

/** A disk with one fault. */
export interface FaultyDisk extends Disk {
  /** Calls that could have failed so far, by name. */
  readonly calls: readonly string[]
}

const errorOf = (kind: FaultKind, call: string): Error =>
  Object.assign(new Error(`${kind === 'full' ? 'ENOSPC: no space left on device' : 'EIO: i/o error'}, ${call}`), {
    code: kind === 'full' ? 'ENOSPC' : 'EIO',
  })

/**
 * Creates a disk.
 *
 * @param failAt - Which call fails, from 0; none if it is never reached.
 * @param times - How many calls from there on fail.
 */
export const faultyDisk = (failAt: number, kind: FaultKind, times = 1): FaultyDisk => {
  const calls: string[] = []
  const isDue = (call: string): boolean => {
    calls.push(call)
    return calls.length > failAt && calls.length <= failAt + times
  }
  const guard = async (call: string, act: () => Promise<void>): Promise<void> => {
    if (!isDue(call)) return act()
    if (kind === 'unsynced') await act()
    throw errorOf(kind, call)
  }
  return {
    ...nodeDisk,
    calls,
    async create(path) {
      await guard('create', async () => {})
      const file = await nodeDisk.create(path)
      return {
        async append(bytes) {
          if (!isDue('append')) return file.append(bytes)
          if (kind !== 'fails') await file.append(kind === 'unsynced' ? bytes : bytes.subarray(0, bytes.length >> 1))
          throw errorOf(kind, 'append')
        },
        sync: () => guard('sync', async () => {}),
        close: () => file.close(),
      }
    },
    rename: (from, to) => guard('rename', () => nodeDisk.rename(from, to)),
    remove: (path) => guard('remove', () => nodeDisk.remove(path)),
    makeFolder: (folder) => guard('makeFolder', async () => void mkdirSync(folder, { recursive: true })),
    syncFolder: () => guard('syncFolder', async () => {}),
  }
}
