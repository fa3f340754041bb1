// What is told of documents that cannot be read. Knows names and reasons alone.
import { MerrowError } from '../../src/errors.ts'

/** A document that the disk has changed. */
export const damaged = (document: string, reason: string): MerrowError =>
  new MerrowError(
    'storage_failed',
    `Cannot read document "${document}": ${reason}. Restore the data folder from a backup; "merrow verify" lists all that is damaged.`,
  )

/** A document that was deleted. */
export const deleted = (document: string): MerrowError =>
  new MerrowError(
    'document_deleted',
    `Document "${document}" was deleted. Use another name: who still has it would bring it back under this one.`,
  )
