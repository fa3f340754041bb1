// Runs cases: each measurement in a fresh child, rounds of all peers in turn. Knows how children are started; no figures.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type BenchCase, type CaseResult, type Figures, SUBJECT } from './bench-case.ts'
import type { Job } from './child.ts'
import { loadCase, peerNames } from './folder.ts'
import { type Sample, summarize } from './measure.ts'

/** How to run. */
export interface RunOptions {
  readonly rows: number
  readonly rounds: number
  readonly seed: number
  /** Peers to measure beside the subject; all if left out. */
  readonly peers?: readonly string[] | undefined
  /** Told what is being measured. */
  readonly onProgress: (what: string) => void
}

/** Runs cases by name, one after another, and calls `onCase` with each one's result. */
export const runCases = async (
  names: readonly string[],
  options: RunOptions,
  onCase: (name: string, result: CaseResult) => Promise<void>,
): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'merrow-bench-'))
  try {
    const start = startChild(folder, options)
    for (const name of names) await onCase(name, await runCase(name, options, start))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Who takes part in a case, of those chosen. */
export const peersOf = ({ peers, takes }: BenchCase, chosen: readonly string[] | undefined): readonly string[] =>
  peerNames(peers).filter((peer) => takes(peer) && (peer === SUBJECT || (chosen?.includes(peer) ?? true)))

type StartChild = (peer: string, caseName: string | undefined) => Promise<Figures>

const runCase = async (name: string, options: RunOptions, start: StartChild): Promise<CaseResult> => {
  const benchCase = await loadCase(name)
  const peers = peersOf(benchCase, options.peers)
  const found = new Map(peers.map((peer): [string, Figures[]] => [peer, []]))
  const rounds = benchCase.isExact ? 1 : options.rounds
  for (let round = 1; round <= rounds; round++)
    for (const peer of peers) {
      options.onProgress(`${name}: ${peer}, round ${round} of ${rounds}`)
      found.get(peer)?.push(await start(peer, name))
    }
  assertSameRows(name, found)
  return Object.fromEntries(Array.from(found, ([peer, figures]) => [peer, sampleEach(figures)]))
}

/** Starts measurements in children; stores a peer's rows before the first that reads them. */
const startChild = (folder: string, { rows, seed }: RunOptions): StartChild => {
  const stored = new Set<string>()
  return async (peer, caseName) => {
    const job: Job = { peer, rows, seed, storedPath: join(folder, peer) }
    if (caseName === undefined) return spawn(job)
    if ((await loadCase(caseName)).needsStored && !stored.has(peer)) {
      stored.add(peer)
      await spawn(job)
    }
    return spawn({ ...job, case: caseName })
  }
}

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url))
const HEAP_MB = 6144

/** Does a job in a process of its own. */
export const spawn = async (job: Job): Promise<Figures> => {
  const flags = ['--expose-gc', `--max-old-space-size=${HEAP_MB}`, '--import', 'tsx']
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [...flags, CHILD, JSON.stringify(job)])
  process.stderr.write(stderr)
  return JSON.parse(stdout) as Figures
}

/** All peers must have read the same rows, where a case sums them up. */
const assertSameRows = (name: string, found: ReadonlyMap<string, readonly Figures[]>): void => {
  const sums = new Set([...found.values()].flat().map(({ checksum }) => checksum))
  if (sums.size > 1) throw new Error(`Case ${name}: the peers read different rows (${[...sums].join(', ')}).`)
}

const sampleEach = (rounds: readonly Figures[]): Record<string, Sample> =>
  Object.fromEntries(
    Object.keys(rounds[0] ?? {}).map((figure) => [
      figure,
      summarize(rounds.map((figures) => figures[figure] as number)),
    ]),
  )
