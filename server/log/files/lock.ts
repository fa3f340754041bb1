// One process at a time holds a folder: a lock file that says which, and whether that one still lives. Knows no log.
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { MerrowError, show } from '../../../src/errors.ts'
import { isCode, readIfThere } from './disk.ts'

const heldHere = new Set<string>()

/**
 * Takes the lock of a folder.
 *
 * @throws {@link MerrowError} `folder_unusable` if a living process holds it.
 */
export const takeLock = (folder: string, lock: string): void => {
  const found = readIfThere(lock)
  if (found !== undefined) {
    const holder = livingHolder(lock, found)
    if (holder !== undefined) throw inUse(folder, lock, holder)
    removeStale(folder, lock, found)
  }
  try {
    writeFileSync(lock, JSON.stringify({ pid: process.pid, started: startOf(process.pid) }), { flag: 'wx' })
  } catch (cause) {
    if (isCode(cause, 'EEXIST')) throw inUse(folder, lock, 'unknown')
    throw cause
  }
  heldHere.add(lock)
}

/** Renaming is atomic, so of two relays that find one stale lock, only one moves it away. */
const removeStale = (folder: string, lock: string, stale: string): void => {
  const aside = `${lock}.${process.pid}`
  renameSync(lock, aside)
  const moved = readFileSync(aside, 'utf8')
  if (moved !== stale) linkSync(aside, lock)
  rmSync(aside)
  if (moved !== stale) throw inUse(folder, lock, 'unknown')
}

/** Lets another process take it. */
export const releaseLock = (lock: string): void => {
  heldHere.delete(lock)
  rmSync(lock, { force: true })
}

const inUse = (folder: string, lock: string, pid: number | 'unknown') =>
  new MerrowError(
    'folder_unusable',
    `Cannot use ${show(folder)}: another process (pid ${pid}) is using it. Stop that one or give another folder; if it is none of Merrow's, remove ${show(lock)}.`,
  )

const livingHolder = (lock: string, text: string): number | undefined => {
  const { pid, started } = parseLock(text)
  if (pid === process.pid) return heldHere.has(lock) ? pid : undefined
  try {
    process.kill(pid, 0)
  } catch (cause) {
    if (!isCode(cause, 'EPERM')) return undefined
  }
  // A pid comes round again, after a reboot or in a container: the same pid started at another time is another process.
  return started === startOf(pid) ? pid : undefined
}

const parseLock = (text: string): { pid: number; started: string | null } => {
  try {
    const { pid, started } = JSON.parse(text) as Record<string, unknown>
    if (typeof pid === 'number' && pid > 0) return { pid, started: typeof started === 'string' ? started : null }
  } catch {
    // A crash while the lock was written leaves half of one, which nobody holds.
  }
  return { pid: process.pid, started: null }
}

/** When a process started, in ticks since boot and with the boot's id; null where the system has no /proc. */
const startOf = (pid: number): string | null => {
  const stat = readIfThere(`/proc/${pid}/stat`)
  const ticks = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  const boot = readIfThere('/proc/sys/kernel/random/boot_id')
  return ticks === undefined || boot === undefined ? null : `${boot.trim()}:${ticks}`
}
