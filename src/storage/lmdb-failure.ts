// What LMDB's failures mean, in Merrow's words. Knows errors only; the relay's log reads the same page.
import { statfs } from 'node:fs/promises'
import { MerrowError } from '../errors.ts'

/** The words of whatever was thrown. */
export const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/**
 * A failed commit as a {@link MerrowError}: `storage_full` if there is no room, else `storage_failed`.
 *
 * @param error - What LMDB rejected with.
 * @param place - What could not be written, for the message: `the log in`.
 * @param folder - Where it is, to look whether the disk has room: LMDB calls a short write an input/output error.
 */
export const lmdbFailure = async (error: unknown, place: string, folder: string): Promise<MerrowError> => {
  const cause = await commitErrorOf(error)
  const reason = reasonOf(cause)
  const isFull =
    /ENOSPC|No space left|MDB_MAP_FULL|EDQUOT/i.test(reason) || (await freeBytes(folder)) < LITTLE_ROOM_BYTES
  return isFull
    ? new MerrowError('storage_full', `Cannot write to ${place} ${folder}: the disk is full. Free space there.`, {
        cause,
      })
    : new MerrowError('storage_failed', `Cannot write to ${place} ${folder}: ${reason}. Check the disk.`, { cause })
}

const LITTLE_ROOM_BYTES = 1024 * 1024

const freeBytes = async (folder: string): Promise<number> => {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch {
    // A disk that does not say is not known to be full.
    return Number.POSITIVE_INFINITY
  }
}

/** LMDB's errors carry their reason as a promise that rejects, and would bring down the process if nobody took it. */
const commitErrorOf = async (error: unknown): Promise<unknown> => {
  if (!(error instanceof Error && 'commitError' in error)) return error
  try {
    return await error.commitError
  } catch (reason) {
    return reason
  }
}
