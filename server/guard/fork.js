// Forks: other content under clocks that are taken. Compares updates clock by clock; deleted content is nobody's proof. JavaScript, for
// the worker reads it too.
import * as Y from 'yjs'
import { originOf, piecesOf } from '../../src/sync/digest.js'

/** So many clocks of a range are compared; whoever rewound its clocks shows it at the first. */
const MAX_COMPARED = 10_000

/**
 * Finds a clock under which an update says something else than what is stored.
 *
 * @param {Uint8Array} update - Accepted by the guard before what is known was cut off.
 * @param {readonly Uint8Array[]} stored - All updates of the document.
 * @param {readonly import('./vector.ts').ClockRange[]} ranges - Clocks that both may have; of each the first 10,000 are compared.
 * @returns {import('./update.ts').Id | undefined} The clock; undefined if both say the same, as far as it can be told.
 */
export const findFork = (update, stored, ranges) => {
  /** @type {Map<string, string>} */
  const said = new Map()
  read(update, ranges, ({ client, clock }, text) => {
    said.set(`${client}:${clock}`, text)
  })
  for (const known of stored) {
    /** @type {import('./update.ts').Id | undefined} */
    let fork
    read(known, ranges, (id, text) => {
      const other = said.get(`${id.client}:${id.clock}`)
      if (other !== undefined && other !== text) fork ??= id
    })
    if (fork !== undefined) return fork
  }
  return undefined
}

/**
 * @param {Uint8Array} update
 * @param {readonly import('./vector.ts').ClockRange[]} ranges
 * @param {(id: import('./update.ts').Id, text: string) => void} see
 */
const read = (update, ranges, see) => {
  const wanted = new Map(ranges.map((range) => [range.client, range]))
  for (const struct of Y.decodeUpdate(update).structs) {
    const range = wanted.get(struct.id.client)
    if (range === undefined || !(struct instanceof Y.Item)) continue
    const { client, clock } = struct.id
    const from = Math.max(range.from, clock)
    const to = Math.min(range.to, range.from + MAX_COMPARED, clock + struct.length)
    if (from >= to) continue
    const pieces = piecesOf(struct.content)
    for (let at = from; at < to; at++) {
      const piece = pieces?.(at - clock)
      if (piece !== undefined) see({ client, clock: at }, `${originOf(struct, at)} ${piece}`)
    }
  }
}
