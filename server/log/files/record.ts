// One record of the journal or of a tail: updates of one document, with checksums over every byte. Knows bytes, no files.
//
//   u32 checksum of what follows up to the updates · u32 length of the updates · u32 their checksum · u48 number of the
//   first · u32 how many · u16 length of the name · name · the updates, packed
//
// A record without a name is the end mark: the file was finished, nothing after it is missing.
import { crc32 } from 'node:zlib'
import type { Piece } from '../content.ts'
import { damaged } from '../fault.ts'
import { LENGTH_BYTES, packInto } from '../packed.js'

const FIXED_BYTES = 24
const MAX_NAME_BYTES = 1024

/** Where a record lies, and what it says of itself. */
export interface RecordHead {
  /** Empty for the end mark. */
  readonly document: string
  /** Numbers of its first and last update. */
  readonly first: number
  readonly last: number
  /** Where its updates begin and how long they are. */
  readonly bodyAt: number
  readonly bodyBytes: number
  readonly checksum: number
}

/** Encodes updates of one document as a record. */
export const encodeRecord = (document: string, first: number, updates: readonly Uint8Array[]): Buffer => {
  const bodyBytes = updates.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0)
  const last = first + updates.length - 1
  return encode({ document, first, last, bodyBytes }, (record, at) => packInto(record, at, updates))
}

/** Encodes pieces that follow one another as one record. */
export const encodePieces = (document: string, pieces: readonly Piece[]): Buffer => {
  const [first, last] = [pieces[0]?.first ?? 0, pieces.at(-1)?.last ?? -1]
  const bodyBytes = pieces.reduce((sum, { packed }) => sum + packed.length, 0)
  return encode({ document, first, last, bodyBytes }, (record, at) => {
    let end = at
    for (const { packed } of pieces) {
      record.set(packed, end)
      end += packed.length
    }
  })
}

const encode = (
  { document, first, last, bodyBytes }: Pick<RecordHead, 'document' | 'first' | 'last' | 'bodyBytes'>,
  fill: (record: Buffer, at: number) => void,
): Buffer => {
  const name = Buffer.from(document)
  const headBytes = FIXED_BYTES + name.length
  const record = Buffer.allocUnsafeSlow(headBytes + bodyBytes)
  fill(record, headBytes)
  record.writeUInt32LE(bodyBytes, 4)
  record.writeUInt32LE(crc32(record.subarray(headBytes)), 8)
  record.writeUIntLE(first, 12, 6)
  record.writeUInt32LE(last - first + 1, 18)
  record.writeUInt16LE(name.length, 22)
  record.set(name, FIXED_BYTES)
  record.writeUInt32LE(crc32(record.subarray(4, headBytes)), 0)
  return record
}

/** The end mark. */
export const END_MARK: Buffer = encodeRecord('', 0, [])

/** Bytes as {@link readHead} reads them: a relay that starts reads thousands of heads, before its code is warm. */
export const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)

/**
 * Reads the head of the record at `at`; `undefined` if no whole record is there. Does not look at the updates.
 *
 * @param view - Of the same bytes.
 */
export const readHead = (bytes: Buffer, at: number, view = viewOf(bytes)): RecordHead | undefined => {
  if (at + FIXED_BYTES > bytes.length) return undefined
  const nameBytes = view.getUint16(at + 22, true)
  const bodyAt = at + FIXED_BYTES + nameBytes
  if (nameBytes > MAX_NAME_BYTES || bodyAt > bytes.length) return undefined
  if (view.getUint32(at, true) !== crc32(bytes.subarray(at + 4, bodyAt))) return undefined
  const bodyBytes = view.getUint32(at + 4, true)
  if (bodyAt + bodyBytes > bytes.length) return undefined
  const document = bytes.toString('utf8', at + FIXED_BYTES, bodyAt)
  const first = view.getUint32(at + 12, true) + view.getUint16(at + 16, true) * 2 ** 32
  const last = first + view.getUint32(at + 18, true) - 1
  return { document, first, last, bodyAt, bodyBytes, checksum: view.getUint32(at + 8, true) }
}

/** Whether the updates of a record are those that were written. */
export const isWhole = (body: Uint8Array, head: RecordHead): boolean => crc32(body) === head.checksum

/**
 * Takes the updates out of a record.
 *
 * @throws {@link MerrowError} `storage_failed` if its bytes are not those that were written.
 */
export const pieceOf = (body: Buffer, head: RecordHead): Piece => {
  if (!isWhole(body, head)) throw damaged(head.document, `update ${head.first} does not match its checksum`)
  return { first: head.first, last: head.last, packed: body }
}
