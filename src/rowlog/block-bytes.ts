// Pieces of which blocks are written: lists, runs of numbers, and what refuses bytes that are no block. Knows bytes alone.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

/** Writes how many items there are, and each. */
export const writeList = <T>(encoder: encoding.Encoder, list: readonly T[], write: (item: T) => void): void => {
  encoding.writeVarUint(encoder, list.length)
  for (const item of list) write(item)
}

/** Reads a list. Every item takes a byte at least, so that no list is longer than what there is to read. */
export const readList = <T>(decoder: decoding.Decoder, read: () => T): T[] => {
  const length = decoding.readVarUint(decoder)
  assertBlock(length <= decoder.arr.length)
  const list: T[] = []
  for (let at = 0; at < length; at++) list.push(read())
  return list
}

/** Writes numbers of which neighbours are often equal. */
export const writeRuns = (encoder: encoding.Encoder, numbers: readonly number[]): void => {
  const runs = new encoding.UintOptRleEncoder()
  for (const number of numbers) runs.write(number)
  encoding.writeVarUint8Array(encoder, runs.toUint8Array())
}

/** Reads so many numbers, all below a limit. */
export const readRuns = (decoder: decoding.Decoder, count: number, limit: number): Uint32Array => {
  const runs = new decoding.UintOptRleDecoder(decoding.readVarUint8Array(decoder))
  const numbers = new Uint32Array(count)
  for (let at = 0; at < count; at++) {
    const number = runs.read()
    assertBlock(number < limit)
    numbers[at] = number
  }
  return numbers
}

/** @throws unless something is so that is so in every block. */
export function assertBlock(isSo: boolean): asserts isSo {
  if (!isSo) throw new Error('A block holds what no block can.')
}
