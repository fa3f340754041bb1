// Damage to bytes, as a hostile or broken client might do it. Knows bytes only.
import * as prng from 'lib0/prng'

/** Damages bytes at random: flips, other numbers, cuts, insertions, pieces of others. */
export const mutate = (gen: prng.PRNG, bytes: Uint8Array, others: readonly Uint8Array[]): Uint8Array => {
  let result = Uint8Array.from(bytes)
  for (let times = Math.max(1, prng.int32(gen, -2, 4)); times > 0; times--) result = mutateOnce(gen, result, others)
  return result
}

const mutateOnce = (gen: prng.PRNG, bytes: Uint8Array<ArrayBuffer>, others: readonly Uint8Array[]) => {
  const at = prng.int32(gen, 0, Math.max(0, bytes.length - 1))
  switch (prng.int32(gen, 0, 6)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << prng.int32(gen, 0, 7))
      return bytes
    case 1:
      bytes[at] = prng.int32(gen, 0, 255)
      return bytes
    case 2:
      return bytes.slice(0, at)
    case 3:
      return joined(bytes.subarray(0, at), bytes.subarray(at + prng.int32(gen, 1, 4)))
    case 4:
      return joined(bytes.subarray(0, at), Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f), bytes.subarray(at))
    case 5:
      return joined(bytes.subarray(0, at), bytes.subarray(at - prng.int32(gen, 0, Math.min(at, 8))))
    default: {
      const other = others[prng.int32(gen, 0, others.length - 1)] ?? bytes
      return joined(bytes.subarray(0, at), other.subarray(prng.int32(gen, 0, Math.max(0, other.length - 1))))
    }
  }
}

const joined = (...parts: Uint8Array[]): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.concat(parts))
