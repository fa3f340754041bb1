// Forks: other content under clocks that are taken. Compares updates clock by clock; deleted content is nobody's proof.
import * as Y from 'yjs'
import { originOf, piecesOf } from '../../src/sync/digest.js'
import type { Id } from './update.ts'
import type { ClockRange } from './vector.ts'

/** So many clocks of a range are compared; whoever rewound its clocks shows it at the first. */
const MAX_COMPARED = 10_000

/**
 * Finds a clock under which an update says something else than what is stored.
 *
 * @param update - Accepted by the guard before what is known was cut off.
 * @param overlap - Clocks that both may have; of each range the first 10,000 are compared.
 * @param stored - Gives what is stored under some clocks, as updates (v1), which may say more.
 * @returns The clock; undefined if both say the same, as far as it can be told.
 */
export const findFork = async (
  update: Uint8Array,
  overlap: readonly ClockRange[],
  stored: (ranges: readonly ClockRange[]) => AsyncIterable<Uint8Array>,
): Promise<Id | undefined> => {
  const ranges = overlap.map(({ client, from, to }) => ({ client, from, to: Math.min(to, from + MAX_COMPARED) }))
  const said = new Map<string, string>()
  read(update, ranges, ({ client, clock }, text) => {
    said.set(`${client}:${clock}`, text)
  })
  for await (const known of stored(ranges)) {
    let fork: Id | undefined
    read(known, ranges, (id, text) => {
      const other = said.get(`${id.client}:${id.clock}`)
      if (other !== undefined && other !== text) fork ??= id
    })
    if (fork !== undefined) return fork
  }
  return undefined
}

const read = (update: Uint8Array, ranges: readonly ClockRange[], see: (id: Id, text: string) => void): void => {
  const wanted = new Map(ranges.map((range) => [range.client, range]))
  for (const struct of Y.decodeUpdate(update).structs) {
    const range = wanted.get(struct.id.client)
    if (range === undefined || !(struct instanceof Y.Item)) continue
    const { client, clock } = struct.id
    const from = Math.max(range.from, clock)
    const to = Math.min(range.to, clock + struct.length)
    if (from >= to) continue
    const pieces = piecesOf(struct.content)
    for (let at = from; at < to; at++) {
      const piece = pieces?.(at - clock)
      if (piece !== undefined) see({ client, clock: at }, `${originOf(struct, at)} ${piece}`)
    }
  }
}
