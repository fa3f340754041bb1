// Updates one behind another in one piece of memory, each after its length (u32, little endian): as a log keeps them and a thread is given
// them. Plain JavaScript, for the thread reads it too. Knows bytes, not what they say.

/** What an update takes beside its own bytes. */
export const LENGTH_BYTES = 4

/**
 * Packs updates.
 *
 * @param {readonly Uint8Array[]} updates
 */
export const packed = (updates) => {
  const bytes = new Uint8Array(updates.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0))
  packInto(bytes, 0, updates)
  return bytes
}

/**
 * Packs updates into memory that has room for them, from byte `at` on.
 *
 * @param {Uint8Array} bytes
 * @param {number} at
 * @param {readonly Uint8Array[]} updates
 */
export const packInto = (bytes, at, updates) => {
  const view = viewOf(bytes)
  let end = at
  for (const update of updates) {
    view.setUint32(end, update.length, true)
    bytes.set(update, end + LENGTH_BYTES)
    end += LENGTH_BYTES + update.length
  }
}

/**
 * Takes them apart again, without a copy.
 *
 * @param {Uint8Array} bytes
 */
export const unpacked = (bytes) => {
  const view = viewOf(bytes)
  /** @type {Uint8Array[]} */
  const updates = []
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at, true)
    updates.push(new Uint8Array(bytes.buffer, bytes.byteOffset + at + LENGTH_BYTES, length))
    at += LENGTH_BYTES + length
  }
  return updates
}

/** @param {Uint8Array} bytes */
const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
