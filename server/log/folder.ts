// The data folder around the log: makes it, checks its format, and holds it for one process. Knows nothing of LMDB.
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { MerrowError, show } from '../../src/errors.ts'
import { reasonOf } from '../../src/storage/lmdb-failure.ts'

/** Format of the folder that this version reads and writes. */
const FOLDER_FORMAT = 1

/** A data folder that this process holds. */
export interface Folder {
  /** Absolute path. */
  readonly path: string
  /** Lets another process use the folder. */
  release(): void
}

/**
 * Makes the folder if need be and takes it for this process.
 *
 * @param path - Folder, absolute or relative to the working directory.
 * @throws {@link MerrowError} `folder_unusable` if it cannot be written or another relay holds it,
 * `newer_format` if a newer version made it.
 */
export const takeFolder = (path: string): Folder => {
  const folder = resolve(path)
  try {
    mkdirSync(folder, { recursive: true })
    const lock = join(folder, 'relay.lock')
    takeLock(folder, lock)
    try {
      checkFormat(folder)
    } catch (error) {
      releaseLock(lock)
      throw error
    }
    return { path: folder, release: () => releaseLock(lock) }
  } catch (cause) {
    if (cause instanceof MerrowError) throw cause
    throw new MerrowError(
      'folder_unusable',
      `Cannot use ${show(folder)} as data folder: ${reasonOf(cause)}. Give a folder that this user can write, with --data or MERROW_DATA.`,
      { cause },
    )
  }
}

const checkFormat = (folder: string): void => {
  const file = join(folder, 'format.json')
  const text = readIfThere(file)
  if (text === undefined) {
    // Written aside and renamed: a crash leaves either no format or a whole one.
    writeFileSync(`${file}.new`, `${JSON.stringify({ format: FOLDER_FORMAT })}\n`, { flush: true })
    renameSync(`${file}.new`, file)
    return
  }
  const { format } = JSON.parse(text) as { format: unknown }
  if (format === FOLDER_FORMAT) return
  throw new MerrowError(
    'newer_format',
    `Cannot open ${show(folder)}: its format is ${show(format)}, this version reads ${FOLDER_FORMAT}. Run the merrow version that made it, or a newer one.`,
  )
}

const heldHere = new Set<string>()

const takeLock = (folder: string, lock: string): void => {
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

const releaseLock = (lock: string): void => {
  heldHere.delete(lock)
  rmSync(lock, { force: true })
}

const inUse = (folder: string, lock: string, pid: number | 'unknown') =>
  new MerrowError(
    'folder_unusable',
    `Cannot use ${show(folder)}: another relay (pid ${pid}) is using it. Stop that one or give another folder; if it is no relay, remove ${show(lock)}.`,
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

const readIfThere = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    if (isCode(cause, 'ENOENT')) return undefined
    throw cause
  }
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
