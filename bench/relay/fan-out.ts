// Fan-out: how many updates a server delivers to rooms of one size, and how long each takes. Knows fleets, no server.
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BenchCase, type CaseResult, type Figures, type Line, SUBJECT } from '../bench-case.ts'
import type { Peer } from '../peer.ts'
import { Fleet, type Run, type Shape } from './fleet.ts'
import type { RelayPeer } from './relay-peer.ts'
import { type ServerProcess, startServer } from './server-process.ts'

/** The yardstick of all relay cases. */
export const BARE = 'bare-ws'
/** The yardstick of what waits for the disk. */
export const SYNCED = 'bare-ws-synced'

/** How much is written. */
export interface FanOut extends Shape {
  /** Updates under saturation at a time; again and again until it has run for a while, first to warm up. */
  readonly updates: number
  /** Updates a second at a pace that every server keeps, for a few seconds. */
  readonly perSecond: number
}

/** For how long a server is to run before it is measured, and then at least. */
const WARM_S = 2
const FULL_S = 4
const PACED_S = 4
const MOST_PACED = 8000

/**
 * A case that measures rooms of one size.
 *
 * @param aims - What of delivered updates and of their p99 is aimed at, by yardstick.
 */
export const fanOutCase = (
  fanOut: FanOut,
  aims: { readonly delivered: Readonly<Record<string, number>>; readonly p99: Readonly<Record<string, number>> },
): BenchCase => ({
  title: `${fanOut.rooms} rooms of ${fanOut.members}: updates as fast as ${fanOut.writers} writers a room get theirs back (${fanOut.window} under way each), and ${fanOut.perSecond} a second`,
  isExact: false,
  needsStored: false,
  peers: 'relay-peers',
  takes: () => true,
  measure: (peer) =>
    onServer(peer, async (relayPeer, server, folder) => ({
      ...(await measure(relayPeer, server, fanOut)),
      ...(relayPeer.isDurable ? percentiles('sync ', await syncs(folder)) : {}),
    })),
  lines: (result) => [
    ...beside(result, 'delivered', '/s', aims.delivered, 'atLeast'),
    // What the server spends on an update, sending it to all included: when there are no processors to spare, the fleet is what is waited for.
    ...beside(result, 'processor', 'µs', {}),
    ...beside(result, 'p50', 'ms', {}),
    ...beside(result, 'p99', 'ms', aims.p99),
    ...beside(result, 'paced p50', 'ms', {}),
    ...beside(result, 'paced p99', 'ms', { [SYNCED]: 1 }),
    ...besideSync('p50'),
    ...besideSync('p99'),
  ],
})

/** Starts a peer's server on an empty folder and ends it after a measurement. */
export const onServer = async (
  given: Peer,
  use: (peer: RelayPeer, server: ServerProcess, folder: string) => Promise<Figures>,
): Promise<Figures> => {
  const peer = given as unknown as RelayPeer
  const folder = await mkdtemp(join(tmpdir(), 'merrow-relay-bench-'))
  const server = await startServer(peer.server, folder)
  try {
    return await use(peer, server, folder)
  } finally {
    await server.kill()
    await rm(folder, { recursive: true, force: true })
  }
}

const measure = async (peer: RelayPeer, server: ServerProcess, fanOut: FanOut): Promise<Figures> => {
  const fleet = new Fleet(peer, server.port)
  try {
    await fleet.enter(fanOut)
    await saturate(fleet, fanOut, WARM_S)
    const before = await server.processorUs()
    const full = await saturate(fleet, fanOut, FULL_S)
    const processor = ((await server.processorUs()) - before) / (full.delivered / fanOut.members)
    const pace = (): Promise<Run> => fleet.pace(Math.min(MOST_PACED, PACED_S * fanOut.perSecond), fanOut.perSecond)
    // First what is left of the storm: snapshots, collections of garbage.
    await pace()
    const paced = await pace()
    return {
      delivered: full.delivered / full.seconds,
      processor,
      ...percentiles('', full),
      ...percentiles('paced ', paced),
    }
  } finally {
    fleet.leave()
  }
}

/** Writes as fast as writers get theirs back, for so many seconds at least. */
const saturate = async (fleet: Fleet, { updates, window }: FanOut, seconds: number): Promise<Run> => {
  const runs: Run[] = []
  const sum = (figure: 'delivered' | 'seconds'): number => runs.reduce((total, run) => total + run[figure], 0)
  do runs.push(await fleet.saturate(updates, window))
  while (sum('seconds') < seconds)
  const latencies = runs.flatMap((run) => run.latencies).sort((a, b) => a - b)
  return { seconds: sum('seconds'), delivered: sum('delivered'), latencies }
}

const SYNCS = 1000
const RECORD_BYTES = 200

/** What one sync of this disk takes after a small write at the end of a file, sorted. */
const syncs = async (folder: string): Promise<Pick<Run, 'latencies'>> => {
  const file = await open(join(folder, 'synced'), 'w')
  const latencies: number[] = []
  for (let at = 0; at < SYNCS; at++) {
    await file.write(Buffer.alloc(RECORD_BYTES))
    const from = performance.now()
    await file.datasync()
    latencies.push(performance.now() - from)
  }
  await file.close()
  return { latencies: latencies.sort((a, b) => a - b) }
}

/** What the subject takes at the pace, beside the one sync that is in it. */
const besideSync = (percentile: string): Line[] => [
  {
    title: `paced ${percentile} beside a sync of the disk`,
    unit: 'ms',
    subject: { peer: SUBJECT, figure: `paced ${percentile}` },
    yardstick: { peer: SUBJECT, figure: `sync ${percentile}` },
  },
]

const percentiles = (name: string, { latencies }: Pick<Run, 'latencies'>): Figures => ({
  [`${name}p50`]: latencies[Math.floor(latencies.length * 0.5)] ?? Number.NaN,
  [`${name}p99`]: latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN,
})

/** What is aimed at in rooms so large that gathering pays. */
export const LARGE_ROOM_AIMS = { delivered: { [BARE]: 1.5, hocuspocus: 2 }, p99: { [BARE]: 1 } }

/** One figure beside that of every other peer that has it. */
export const beside = (
  result: CaseResult,
  figure: string,
  unit: Line['unit'],
  aims: Readonly<Record<string, number>>,
  aim: 'atMost' | 'atLeast' = 'atMost',
): Line[] =>
  Object.keys(result)
    .filter((peer) => peer !== SUBJECT && result[peer]?.[figure] !== undefined)
    .map((peer) => ({
      title: figure,
      unit,
      subject: { peer: SUBJECT, figure },
      yardstick: { peer, figure },
      [aim]: aims[peer],
    }))
