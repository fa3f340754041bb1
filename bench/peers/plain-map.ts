// The floor: a Map of frozen rows, stored as JSON. No merging, no validation, no history.
import type { BenchRow } from '../data.ts'
import type { Peer, PeerTable } from '../peer.ts'

const open = (rows: Map<string, BenchRow>): PeerTable => {
  let heard = 0
  const subscriber = (changed: readonly BenchRow[]): void => {
    heard += changed.length
  }
  const put = (row: BenchRow): void => {
    const frozen = Object.freeze({ ...row })
    rows.set(row.id, frozen)
    subscriber([frozen])
  }
  return {
    insertMany: (given) => {
      const frozen = given.map((row) => Object.freeze({ ...row }))
      for (const row of frozen) rows.set(row.id, row)
      subscriber(frozen)
    },
    insert: put,
    update: (id, patch) => put({ ...(rows.get(id) as BenchRow), ...patch }),
    transact: (work) => work(),
    get: (id) => rows.get(id),
    readAll: (visit) => {
      for (const row of rows.values()) visit(row)
    },
    get heard() {
      return heard
    },
    saved: async () => {},
    store: async () => new TextEncoder().encode(JSON.stringify([...rows.values()])),
  }
}

/** A plain Map and JSON. */
export const peer: Peer = {
  name: 'plain-map',
  packages: [],
  shortenedBy: 1,
  create: async () => open(new Map()),
  load: async (bytes) => {
    const rows = JSON.parse(new TextDecoder().decode(bytes)) as BenchRow[]
    return open(new Map(rows.map((row) => [row.id, Object.freeze(row)])))
  },
}
