// The file of one snapshot: a head, and the state in blocks with a checksum each, so that a part can be read and checked
// alone. Knows the file, not where it lies.
//
//   u32 checksum of the rest of the head · u32 length of the head · u48 upTo · u48 takenAt · u48 length of the state ·
//   u16, u32, u32 lengths of name, state vector, deletes · those three · u32 checksum per block | state
import { crc32 } from 'node:zlib'
import { damaged } from '../fault.ts'
import type { Snapshot, StoredSnapshot } from '../port.ts'
import type { Disk, ReadableFile } from './disk.ts'

const FIXED_BYTES = 36
/** Bytes of the state under one checksum. */
export const BLOCK_BYTES = 256 * 1024

/** Encodes a snapshot as the parts of its file. */
export const encodeState = (document: string, snapshot: Snapshot, takenAt: number): readonly Uint8Array[] => {
  const { upTo, state, stateVector, deletes } = snapshot
  const name = Buffer.from(document)
  const blocks = Math.ceil(state.length / BLOCK_BYTES)
  const head = Buffer.alloc(FIXED_BYTES + name.length + stateVector.length + deletes.length + 4 * blocks)
  head.writeUInt32LE(head.length, 4)
  head.writeUIntLE(upTo, 8, 6)
  head.writeUIntLE(takenAt, 14, 6)
  head.writeUIntLE(state.length, 20, 6)
  head.writeUInt16LE(name.length, 26)
  head.writeUInt32LE(stateVector.length, 28)
  head.writeUInt32LE(deletes.length, 32)
  let at = FIXED_BYTES
  for (const part of [name, stateVector, deletes]) {
    head.set(part, at)
    at += part.length
  }
  for (let block = 0; block < blocks; block++)
    at = head.writeUInt32LE(crc32(state.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES)), at)
  head.writeUInt32LE(crc32(head.subarray(4)), 0)
  return [head, state]
}

/** What the head of a snapshot's file says. */
export type StateHead = Omit<StoredSnapshot, 'state' | 'stream'> & {
  readonly document: string
  readonly stateAt: number
  readonly checksums: readonly number[]
}

/**
 * Reads the head.
 *
 * @param document - Whose it should be, if that is known.
 * @throws {@link MerrowError} `storage_failed` if its bytes are not those that were written.
 */
export const readStateHead = (file: ReadableFile, upTo: number, document?: string): StateHead => {
  const bad = () => damaged(document ?? 'unknown', `the head of snapshot ${upTo} does not match its checksum`)
  const length = file.bytes < FIXED_BYTES ? 0 : file.read(4, 4).readUInt32LE()
  if (length < FIXED_BYTES || length > file.bytes) throw bad()
  const head = file.read(0, length)
  if (head.readUInt32LE(0) !== crc32(head.subarray(4))) throw bad()
  const bytes = head.readUIntLE(20, 6)
  const vectorAt = FIXED_BYTES + head.readUInt16LE(26)
  const deletesAt = vectorAt + head.readUInt32LE(28)
  const checksumsAt = deletesAt + head.readUInt32LE(32)
  const found = {
    document: head.toString('utf8', FIXED_BYTES, vectorAt),
    upTo: head.readUIntLE(8, 6),
    takenAt: head.readUIntLE(14, 6),
    bytes,
    stateVector: head.subarray(vectorAt, deletesAt),
    deletes: head.subarray(deletesAt, checksumsAt),
    stateAt: length,
    checksums: Array.from({ length: (length - checksumsAt) / 4 }, (_, n) => head.readUInt32LE(checksumsAt + 4 * n)),
  }
  if (file.bytes !== length + bytes || found.upTo !== upTo || (document ?? found.document) !== found.document)
    throw bad()
  return found
}

/** Opens the snapshot in a file. The state is read when it is asked for, from a file that may have gone by then. */
export const openState = (disk: Disk, path: string, upTo: number, document: string): StoredSnapshot => {
  const file = disk.openToRead(path)
  try {
    const { checksums, stateAt, document: _, ...info } = readStateHead(file, upTo, document)
    const stream = (start = 0, end = info.bytes) =>
      readBlocks(() => disk.openToRead(path), { document, upTo, stateAt, checksums, start, end, bytes: info.bytes })
    return { ...info, stream, state: () => joined(stream(), info.bytes) }
  } finally {
    file.close()
  }
}

interface BlockRange extends Pick<StateHead, 'document' | 'upTo' | 'stateAt' | 'checksums' | 'bytes'> {
  readonly start: number
  readonly end: number
}

async function* readBlocks(open: () => ReadableFile, range: BlockRange): AsyncGenerator<Uint8Array> {
  const { document, upTo, stateAt, checksums, start, end, bytes } = range
  if (start >= end) return
  const file = open()
  try {
    for (let block = Math.floor(start / BLOCK_BYTES); block * BLOCK_BYTES < end; block++) {
      const from = block * BLOCK_BYTES
      const read = file.read(stateAt + from, Math.min(BLOCK_BYTES, bytes - from))
      if (crc32(read) !== checksums[block])
        throw damaged(
          document,
          `bytes ${from} to ${from + read.length} of snapshot ${upTo} do not match their checksum`,
        )
      yield read.subarray(Math.max(0, start - from), end - from)
    }
  } finally {
    file.close()
  }
}

const joined = async (blocks: AsyncIterable<Uint8Array>, length: number): Promise<Uint8Array> => {
  const whole = Buffer.allocUnsafeSlow(length)
  let at = 0
  for await (const block of blocks) {
    whole.set(block, at)
    at += block.length
    // A large state must not hold up the sockets.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return whole
}
