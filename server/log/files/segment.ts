// One segment of the journal as it is found on disk: which records it holds, and whether its end is torn or its middle
// damaged. Knows bytes; `journal.ts` knows the files.
//
//   "MRWJ" · u32 checksum of what follows · u48 number · u48 number of the segment before · u48 bytes of it that count · records
import { crc32 } from 'node:zlib'
import { isWhole, type RecordHead, readHead, viewOf } from './record.ts'

const MAGIC = 'MRWJ'
/** Bytes before the first record. */
export const SEGMENT_HEAD_BYTES = 26

/** A segment that is no longer written, and how much of it counts: what follows was never acknowledged. */
export interface FormerSegment {
  readonly number: number
  readonly bytes: number
}

/** Encodes the head of segment `number`, which follows `former`. */
export const encodeSegmentHead = (number: number, former: FormerSegment): Buffer => {
  const head = Buffer.alloc(SEGMENT_HEAD_BYTES)
  head.write(MAGIC, 'latin1')
  head.writeUIntLE(number, 8, 6)
  head.writeUIntLE(former.number, 14, 6)
  head.writeUIntLE(former.bytes, 20, 6)
  head.writeUInt32LE(crc32(head.subarray(8)), 4)
  return head
}

/** What a segment holds. */
export interface ScannedSegment {
  readonly records: readonly RecordHead[]
  /** Documents with updates that do not match their checksum. */
  readonly damaged: readonly string[]
  /** Bytes that hold good records; what follows was never acknowledged. */
  readonly goodBytes: number
  /** The segment before it; `undefined` if its head is torn. */
  readonly former: FormerSegment | undefined
  /** Why the whole segment cannot be used, if it cannot. */
  readonly fault: string | undefined
}

/**
 * Reads a segment.
 *
 * What cannot be read at the very end is torn: a crash came before the sync, so nobody was told that it is durable. What
 * cannot be read before something that can is damage.
 *
 * @param isLast - Whether no segment follows; only then may its end be torn.
 */
export const scanSegment = (bytes: Buffer, number: number, isLast: boolean): ScannedSegment => {
  const former = readSegmentHead(bytes, number)
  const records: RecordHead[] = []
  const damaged: string[] = []
  const view = viewOf(bytes)
  let at = former === undefined ? 0 : SEGMENT_HEAD_BYTES
  for (
    let head = former === undefined ? undefined : readHead(bytes, at, view);
    head;
    head = readHead(bytes, at, view)
  ) {
    const end = head.bodyAt + head.bodyBytes
    if (!isWhole(bytes.subarray(head.bodyAt, end), head)) {
      if (isLast && end === bytes.length) break
      damaged.push(head.document)
    } else if (head.document !== '') records.push(head)
    at = end
  }
  const isTorn = at < bytes.length
  const isDamaged = isTorn && (!isLast || hasRecordAfter(bytes, at))
  const fault = isDamaged ? `byte ${at} and what follows cannot be read` : undefined
  return { records, damaged, goodBytes: at, former, fault }
}

const readSegmentHead = (bytes: Buffer, number: number): FormerSegment | undefined => {
  const isHead =
    bytes.length >= SEGMENT_HEAD_BYTES &&
    bytes.toString('latin1', 0, 4) === MAGIC &&
    bytes.readUInt32LE(4) === crc32(bytes.subarray(8, SEGMENT_HEAD_BYTES)) &&
    bytes.readUIntLE(8, 6) === number
  return isHead ? { number: bytes.readUIntLE(14, 6), bytes: bytes.readUIntLE(20, 6) } : undefined
}

const hasRecordAfter = (bytes: Buffer, from: number): boolean => {
  const view = viewOf(bytes)
  for (let at = from + 1; at < bytes.length; at++) if (readHead(bytes, at, view) !== undefined) return true
  return false
}
