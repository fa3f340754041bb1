// One stored record: a checksum and the bytes. Knows neither keys nor where records lie.
import { crc32 } from 'node:zlib'
import { MerrowError } from '../../src/errors.ts'

const CHECKSUM_BYTES = 4

/** Puts a checksum before `bytes`. LMDB has none of its own, and Yjs accepts a third of all flipped bits. */
export const sealRecord = (bytes: Uint8Array): Buffer => {
  const record = Buffer.allocUnsafeSlow(CHECKSUM_BYTES + bytes.length)
  record.writeUInt32LE(crc32(bytes), 0)
  record.set(bytes, CHECKSUM_BYTES)
  return record
}

/**
 * Takes the bytes out of a record.
 *
 * @param record - What {@link sealRecord} returned, as it came back from disk.
 * @param name - What the record is, for the message.
 * @returns A view into `record`.
 * @throws {@link MerrowError} `storage_failed` if the bytes are not those that were written.
 */
export const openRecord = (record: Uint8Array, name: string): Uint8Array => {
  const bytes = record.subarray(CHECKSUM_BYTES)
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength)
  if (record.length >= CHECKSUM_BYTES && view.getUint32(0, true) === crc32(bytes)) return bytes
  throw new MerrowError(
    'storage_failed',
    `Cannot read ${name}: its ${record.length} B do not match their checksum. Restore the data folder from a backup.`,
  )
}
