// What LMDB's failures mean, in Merrow's words. Knows errors only; the relay's log reads the same page.
import { MerrowError } from '../errors.ts'

/** The words of whatever was thrown. */
export const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/**
 * A failed commit as a {@link MerrowError}: `storage_full` if there is no room, else `storage_failed`.
 *
 * @param error - What LMDB rejected with.
 * @param place - What could not be written, for the message: `the log in /data`.
 */
export const lmdbFailure = async (error: unknown, place: string): Promise<MerrowError> => {
  const cause = await commitErrorOf(error)
  const reason = reasonOf(cause)
  const isFull = /ENOSPC|No space left|MDB_MAP_FULL|EDQUOT/i.test(reason)
  return isFull
    ? new MerrowError('storage_full', `Cannot write to ${place}: the disk is full. Free space there.`, {
        cause,
      })
    : new MerrowError('storage_failed', `Cannot write to ${place}: ${reason}. Check the disk.`, { cause })
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
