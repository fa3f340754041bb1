// The data folder around the log: makes it, checks its format, and holds it for one process. Knows nothing of what lies in it.
import { closeSync, existsSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { MerrowError, show } from '../../../src/errors.ts'
import { reasonOf } from '../../../src/storage/lmdb-failure.ts'
import { makeFolder } from '../../../src/storage/make-folder.ts'
import type { Logger } from '../../logger.ts'
import { isCode, readIfThere } from './disk.ts'
import { takeLock } from './lock.ts'

/** Format of the folder that this version reads and writes. */
const FOLDER_FORMAT = 2
const FORMAT_FILE = 'format.json'
/** What a log keeps in its folder. */
const PARTS = ['journal', 'docs'] as const

/** A data folder that this process holds. */
export interface Folder {
  /** Absolute path. */
  readonly path: string
  /** Whether another process has taken it all the same; nothing may be written then. */
  readonly isLost: boolean
  /** Lets another process use the folder. */
  release(): void
}

/**
 * Makes the folder if need be and takes it for this process.
 *
 * @param path - Folder, absolute or relative to the working directory.
 * @param logger - Told when a holder on another machine is watched, which takes some seconds.
 * @throws {@link MerrowError} `folder_unusable` if it cannot be written or another relay holds it,
 * `newer_format` if a newer version made it.
 */
export const takeFolder = async (path: string, logger?: Logger): Promise<Folder> => {
  const folder = resolve(path)
  try {
    makeFolder(folder)
    const lock = await takeLock(folder, join(folder, 'relay.lock'), { logger })
    try {
      checkFormat(folder)
      for (const part of PARTS) makeFolder(join(folder, part))
      syncFolder(folder)
    } catch (error) {
      lock.release()
      throw error
    }
    return {
      path: folder,
      get isLost() {
        return lock.isLost
      },
      release: () => lock.release(),
    }
  } catch (cause) {
    if (cause instanceof MerrowError) throw cause
    throw new MerrowError(
      'folder_unusable',
      `Cannot use ${show(folder)} as data folder: ${reasonOf(cause)}. ${cureOf(cause)}`,
      { cause },
    )
  }
}

const cureOf = (cause: unknown): string =>
  isCode(cause, 'ENOSPC') || isCode(cause, 'EDQUOT')
    ? 'Free space there.'
    : 'Give a folder that this user can write, with --data or MERROW_DATA; if it is on a read-only disk, mount that for writing.'

/**
 * Opens a folder to read it, also while a relay uses it.
 *
 * @throws {@link MerrowError} `folder_unusable` if there is none, `newer_format` if another version made it.
 */
export const openFolder = (path: string): Folder => {
  const folder = resolve(path)
  if (!existsSync(join(folder, FORMAT_FILE))) {
    throw new MerrowError(
      'folder_unusable',
      `Cannot read ${show(folder)}: it is no data folder (there is no ${FORMAT_FILE}). Give one with --data or MERROW_DATA.`,
    )
  }
  readFormat(folder)
  return { path: folder, isLost: false, release: () => {} }
}

const checkFormat = (folder: string): void => {
  if (readFormat(folder) !== undefined) return
  // A backup writes the format last, so without one what is there is a part.
  const found = [...PARTS, 'log.mdb'].filter((part) => existsSync(join(folder, part)))
  if (found.length > 0) {
    throw new MerrowError(
      'folder_unusable',
      `Cannot use ${show(folder)}: it has ${found.join(' and ')} but no ${FORMAT_FILE}, so it was restored in part. Copy the backup again, whole, into an empty folder.`,
    )
  }
  writeFormat(folder)
}

/** Says which version can read a folder: written last when one is made or copied, aside and renamed. */
export const writeFormat = (folder: string): void => {
  const file = join(folder, FORMAT_FILE)
  writeFileSync(`${file}.new`, `${JSON.stringify({ format: FOLDER_FORMAT })}\n`, { flush: true })
  renameSync(`${file}.new`, file)
  syncFolder(folder)
}

const syncFolder = (folder: string): void => {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

const readFormat = (folder: string): number | undefined => {
  const text = readIfThere(join(folder, FORMAT_FILE))
  if (text === undefined) return undefined
  const format = formatIn(text)
  if (format === FOLDER_FORMAT) return FOLDER_FORMAT
  throw typeof format === 'number'
    ? new MerrowError(
        'newer_format',
        `Cannot open ${show(folder)}: its format is ${format}, this version reads ${FOLDER_FORMAT}. Run the merrow version that made it${format > FOLDER_FORMAT ? ', or a newer one' : ''}.`,
      )
    : new MerrowError(
        'folder_unusable',
        `Cannot open ${show(folder)}: its ${FORMAT_FILE} is damaged (${show(text)}). Restore the data folder from a backup.`,
      )
}

const formatIn = (text: string): unknown => {
  try {
    return (JSON.parse(text) as { format?: unknown } | null)?.format
  } catch {
    // Not JSON: told as damaged.
    return undefined
  }
}
