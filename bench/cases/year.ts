// Year: what a year of small edits on many devices, each opened anew every day, leaves behind in storage.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as prng from 'lib0/prng'
import * as Y from 'yjs'
import { againstOthers, type BenchCase, type CaseResult, type Figures, type Line, SUBJECT } from '../bench-case.ts'
import { type BenchRow, Checksum, createData, type DataSource } from '../data.ts'
import { summarize } from '../measure.ts'
import type { DeviceRun, Peer } from '../peer.ts'
import { spawn } from '../rounds.ts'

const ROWS = 5_000
const DAYS = 365
const DEVICES = 20
const EDITS_PER_RUN = 10
/** Days between real openings from stored bytes. */
const DAYS_PER_REPLAY = 14
const LOADS = 9

const DAY_MS = 24 * 60 * 60 * 1000
const RUN_MS = DAY_MS / DEVICES

/**
 * A year in which every device opens the table once a day, under a new Yjs client id, edits ten fields over an hour, and
 * closes it.
 *
 * Simplified: the devices of a day take turns, each after the one before has synced; and the table is loaded from its bytes
 * once a fortnight, not 7,300 times. Neither flatters: of 200 edits a day to 30,000 fields less than one meets another of the same
 * day on the same field, and what has been deleted leaves the same bytes in an open document as in a loaded one. All devices
 * of a fortnight share one replica name, which costs as many bytes as names of their own.
 */
export const benchCase: BenchCase = {
  title: `${ROWS} rows after ${DAYS} days of ${EDITS_PER_RUN} edits on each of ${DEVICES} devices, a new client id a day, beside the same rows fresh; loads: median of ${LOADS}, each in a process of its own, in turn`,
  // Its loads are repeated here: a year is too long for rounds.
  isExact: true,
  needsStored: false,
  takes: (peer) => peer !== 'plain-map',
  async measure(peer, { rows, seed }) {
    const data = createData(seed)
    const given = data.rows(Math.min(rows, ROWS))
    const old = liveThrough(peer, await storeFresh(peer, given), runsOf(data, given, prng.create(seed)))
    const checksum = new Checksum()
    const left: BenchRow[] = []
    ;(await peer.load(old)).readAll((row) => {
      checksum.add(row)
      left.push(fieldsOf(row))
    })
    const fresh = await storeFresh(peer, left)
    const [year, start] = await timeLoads(peer, left.length, [old, fresh])
    const { structs } = Y.decodeUpdate(old)
    return {
      freshMb: fresh.length / 1e6,
      yearMb: old.length / 1e6,
      freshMs: start.loadMs,
      yearMs: year.loadMs,
      freshReadyMs: start.readyMs,
      yearReadyMs: year.readyMs,
      structs: structs.length,
      clients: new Set(structs.map(({ id }) => id.client)).size,
      checksum: checksum.sum,
    }
  },
  lines: (result) => [
    ...besideFresh(result, 'after a year', 'MB', { year: 'yearMb', fresh: 'freshMb', atMost: 1.3 }),
    ...besideFresh(result, 'load and read after a year', 'ms', { year: 'yearMs', fresh: 'freshMs', atMost: 2 }),
    ...besideFresh(result, 'load, read, and write once after a year', 'ms', {
      year: 'yearReadyMs',
      fresh: 'freshReadyMs',
    }),
    ...againstOthers(result, { title: 'after a year', unit: 'MB', figure: 'yearMb' }, {}),
    ...againstOthers(result, { title: 'load and read after a year', unit: 'ms', figure: 'yearMs' }, {}),
    ...againstOthers(result, { title: 'Yjs structs', unit: 'structs', figure: 'structs' }, {}),
    ...againstOthers(result, { title: 'Yjs clients', unit: 'ids', figure: 'clients' }, {}),
  ],
}

/** Without what a library has added. */
const fieldsOf = ({ id, title, done, priority, country, lat, lon }: BenchRow): BenchRow => ({
  id,
  title,
  done,
  priority,
  country,
  lat,
  lon,
})

const storeFresh = async (peer: Peer, rows: readonly BenchRow[]): Promise<Uint8Array> => {
  const table = await peer.create()
  table.insertMany(rows)
  return table.store()
}

/** All runs of the year, in order. It begins now, after the rows were inserted: an earlier write would find theirs in its future. */
const runsOf = (data: DataSource, rows: readonly BenchRow[], random: prng.PRNG): DeviceRun[] => {
  const startMs = Date.now()
  return Array.from({ length: DAYS * DEVICES }, (_, run) => ({
    clientId: prng.uint32(random, 0, 2 ** 32 - 1),
    edits: Array.from({ length: EDITS_PER_RUN }, (_, edit) => ({
      atMs: startMs + run * RUN_MS + (edit * RUN_MS) / EDITS_PER_RUN,
      id: data.pick(rows).id,
      patch: data.patch(),
    })),
  }))
}

const liveThrough = (peer: Peer, fresh: Uint8Array, runs: readonly DeviceRun[]): Uint8Array => {
  if (peer.replay === undefined) throw new Error(`${peer.name} does not merge what several devices write.`)
  let stored = fresh
  for (let from = 0; from < runs.length; from += DAYS_PER_REPLAY * DEVICES)
    stored = peer.replay(stored, runs.slice(from, from + DAYS_PER_REPLAY * DEVICES))
  return stored
}

/** Until all rows were read, and until one was written after that. */
interface LoadTimes {
  readonly loadMs: number
  readonly readyMs: number
}

/** An app loads its rows once, soon after it has started: a second load in the same process would find its code compiled. */
const timeLoads = async (
  { name }: Peer,
  rows: number,
  stored: readonly [Uint8Array, Uint8Array],
): Promise<readonly [LoadTimes, LoadTimes]> => {
  const folder = await mkdtemp(join(tmpdir(), 'merrow-year-'))
  try {
    const times: [Figures[], Figures[]] = [[], []]
    for (let load = 0; load < LOADS; load++)
      for (const [at, bytes] of stored.entries()) {
        const storedPath = join(folder, String(at))
        await writeFile(storedPath, bytes)
        times[at as 0 | 1].push(await spawn({ case: 'load', peer: name, rows, seed: 0, storedPath }))
      }
    const median = (found: readonly Figures[], figure: keyof LoadTimes): number =>
      summarize(found.map((figures) => figures[figure] as number)).median
    const mediansOf = (found: readonly Figures[]): LoadTimes => ({
      loadMs: median(found, 'loadMs'),
      readyMs: median(found, 'readyMs'),
    })
    return [mediansOf(times[0]), mediansOf(times[1])]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const besideFresh = (
  result: CaseResult,
  title: string,
  unit: Line['unit'],
  { year, fresh, atMost }: { readonly year: string; readonly fresh: string; readonly atMost?: number },
): Line[] =>
  Object.keys(result).map((peer) => ({
    title,
    unit,
    subject: { peer, figure: year },
    yardstick: { peer, figure: fresh },
    atMost: peer === SUBJECT ? atMost : undefined,
  }))
