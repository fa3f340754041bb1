// One process at a time holds a folder, of all machines and containers that see it: a lock file that says which, and that is touched as
// long as it lives. Knows no log.
import { linkSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { MerrowError, show } from '../../../src/errors.ts'
import type { Logger } from '../../logger.ts'
import { isCode, readIfThere } from './disk.ts'

/** A lock that this process holds. */
export interface Lock {
  /** Whether another process has taken it all the same: this one was stopped for so long that it seemed dead, or somebody removed the file. */
  readonly isLost: boolean
  /** Lets another process take it. */
  release(): void
}

/** How a lock is taken. */
export interface LockOptions {
  /** Told when a holder elsewhere is watched. */
  readonly logger?: Logger | undefined
  /** How often a lock is touched, in milliseconds (default 1,000). */
  readonly beatMs?: number | undefined
}

/** The lock file's time is set anew so often, in milliseconds. */
const BEAT_MS = 1_000
/** Whose lock is not touched for so many beats is dead. */
const MISSED_BEATS = 10

const heldHere = new Set<string>()

/**
 * Takes the lock of a folder. A holder on this machine is asked for by its pid; one elsewhere is watched, for some seconds if it is dead.
 *
 * @throws {@link MerrowError} `folder_unusable` if a living process holds it.
 */
export const takeLock = async (folder: string, lock: string, options: LockOptions = {}): Promise<Lock> => {
  const { beatMs = BEAT_MS, logger = () => {} } = options
  const found = readIfThere(lock)
  if (found !== undefined) {
    const holder = await livingHolder(lock, found, { beatMs, logger })
    if (holder !== undefined) throw inUse(folder, lock, holder)
    removeStale(folder, lock, found)
  }
  const own = JSON.stringify({ pid: process.pid, started: startOf(process.pid), host: hostname(), place: placeOf() })
  try {
    writeFileSync(lock, own, { flag: 'wx' })
  } catch (cause) {
    if (isCode(cause, 'EEXIST')) throw inUse(folder, lock, 'pid unknown')
    throw cause
  }
  return hold(lock, own, beatMs)
}

const hold = (lock: string, own: string, beatMs: number): Lock => {
  heldHere.add(lock)
  let isLost = false
  const beating = setInterval(() => {
    isLost ||= readIfThere(lock) !== own
    const now = new Date()
    // A beat that fails is one that others miss; the next one may not.
    if (!isLost) utimes(lock, now, now).catch(() => {})
  }, beatMs)
  beating.unref()
  return {
    get isLost() {
      return isLost
    },
    release() {
      clearInterval(beating)
      heldHere.delete(lock)
      if (readIfThere(lock) === own) rmSync(lock, { force: true })
    },
  }
}

/** Renaming is atomic, so of two relays that find one stale lock, only one moves it away. */
const removeStale = (folder: string, lock: string, stale: string): void => {
  const aside = `${lock}.${process.pid}`
  try {
    renameSync(lock, aside)
  } catch (cause) {
    // Its holder has let go of it meanwhile.
    if (isCode(cause, 'ENOENT')) return
    throw cause
  }
  const moved = readFileSync(aside, 'utf8')
  if (moved !== stale) linkSync(aside, lock)
  rmSync(aside)
  if (moved !== stale) throw inUse(folder, lock, 'pid unknown')
}

const inUse = (folder: string, lock: string, holder: string) =>
  new MerrowError(
    'folder_unusable',
    `Cannot use ${show(folder)}: another process (${holder}) is using it. Stop that one or give another folder; if it is none of Merrow's, remove ${show(lock)}.`,
  )

const livingHolder = async (
  lock: string,
  text: string,
  { beatMs, logger }: { readonly beatMs: number; readonly logger: Logger },
): Promise<string | undefined> => {
  const { pid, started, host, place } = parseLock(text)
  if (place === null || place === placeOf()) return isAlive(lock, pid, started) ? `pid ${pid}` : undefined
  const forMs = MISSED_BEATS * beatMs
  logger('warn', 'a process elsewhere held the folder; waiting to see whether it lives', { lock, pid, host, forMs })
  return (await beats(lock, beatMs)) ? `pid ${pid} on ${host}` : undefined
}

const isAlive = (lock: string, pid: number, started: string | null): boolean => {
  if (pid === process.pid) return heldHere.has(lock)
  try {
    process.kill(pid, 0)
  } catch (cause) {
    if (!isCode(cause, 'EPERM')) return false
  }
  // A pid comes round again, after a reboot or in a container: the same pid started at another time is another process.
  return started === startOf(pid)
}

/** Whether somebody touches a file. Times are not compared with this machine's clock: that of its holder may be another. */
const beats = async (lock: string, beatMs: number): Promise<boolean> => {
  const before = touchedMs(lock)
  for (let beat = 0; beat < MISSED_BEATS; beat++) {
    await sleep(beatMs)
    const now = touchedMs(lock)
    if (now === undefined) return false
    if (now !== before) return true
  }
  return false
}

const touchedMs = (lock: string): number | undefined => statSync(lock, { throwIfNoEntry: false })?.mtimeMs

interface Holder {
  readonly pid: number
  readonly started: string | null
  readonly host: string
  /** Null where the lock does not say. */
  readonly place: string | null
}

const parseLock = (text: string): Holder => {
  try {
    const { pid, started, host, place } = JSON.parse(text) as Record<string, unknown>
    const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)
    if (typeof pid === 'number' && pid > 0)
      return { pid, started: textOf(started), host: textOf(host) ?? 'another machine', place: textOf(place) }
  } catch {
    // A crash while the lock was written leaves half of one, which nobody holds.
  }
  return { pid: process.pid, started: null, host: '', place: null }
}

/** When a process started, in ticks since boot and with the boot's id; null where the system has no /proc. */
const startOf = (pid: number): string | null => {
  const stat = readIfThere(`/proc/${pid}/stat`)
  const ticks = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  const boot = readIfThere(BOOT_FILE)
  return ticks === undefined || boot === undefined ? null : `${boot.trim()}:${ticks}`
}

const BOOT_FILE = '/proc/sys/kernel/random/boot_id'

/** Where a pid means the same process: a machine from one boot to the next, and in it a container. */
const placeOf = (): string => `${hostname()} ${readIfThere(BOOT_FILE)?.trim() ?? ''} ${processNamespace()}`

const processNamespace = (): string => {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    // No such thing here: the host's name has to tell.
    return ''
  }
}
