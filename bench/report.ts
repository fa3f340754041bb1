// The report: what the machine was, and figures beside their yardsticks. Knows lines and samples; not how they came about.
import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import type { BenchCase, CaseResult, Line, Reading } from './bench-case.ts'
import { measuredBuild } from './build.ts'
import type { Sample } from './measure.ts'

/** One line with what was found. */
export interface Finding {
  readonly case: string
  readonly line: Line
  readonly subject: Sample
  readonly yardstick: Sample
  /** Subject ÷ yardstick, medians. */
  readonly ratio: number
  /** Whether the aim is met; true for lines without one. */
  readonly isMet: boolean
}

/** Puts a case's lines and its result together. */
export const findings = (name: string, benchCase: BenchCase, result: CaseResult): Finding[] =>
  benchCase.lines(result).map((line) => {
    const subject = sampleOf(result, line.subject)
    const yardstick = sampleOf(result, line.yardstick)
    const ratio = subject.median / yardstick.median
    return {
      case: name,
      line,
      subject,
      yardstick,
      ratio,
      isMet: ratio <= (line.atMost ?? Number.POSITIVE_INFINITY) && ratio >= (line.atLeast ?? 0),
    }
  })

const sampleOf = (result: CaseResult, { peer, figure }: Reading): Sample => {
  const sample = result[peer]?.[figure]
  if (sample === undefined) throw new Error(`Peer "${peer}" was not measured for "${figure}".`)
  return sample
}

/** What a number in a report must name: machine, versions, seed, rounds. */
export const describeRun = (
  packages: readonly string[],
  { rows, rounds, seed }: { readonly rows: number; readonly rounds: number; readonly seed: number },
): string => {
  const [cpu] = cpus()
  const versions = [...new Set(packages)].map((name) => `${name} ${versionOf(name)}`)
  return [
    `${cpu?.model.trim() ?? 'unknown CPU'}, ${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${process.platform}`,
    `node ${process.versions.node}, ${[`merrow ${versionOf('..')} (${measuredBuild})`, ...versions].join(', ')}`,
    `${rows} rows, seed ${seed}, median of ${rounds} (sizes: 1), each in a process of its own; ± half the range`,
  ].join('\n')
}

const versionOf = (name: string): string => {
  const path = name === '..' ? '../package.json' : `../node_modules/${name}/package.json`
  return (JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { readonly version: string }).version
}

const HEADINGS = ['case', 'figure', 'subject', 'yardstick', 'ratio', 'aim', '']
const TEXT_COLUMNS = 2

/** A table of findings, in plain text. */
export const formatTable = (found: readonly Finding[]): string => {
  const cells = [HEADINGS, ...found.map(formatFinding)]
  const widths = HEADINGS.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const pad = (cell: string, column: number): string =>
    column < TEXT_COLUMNS ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
  return cells.map((row) => row.map(pad).join('  ').trimEnd()).join('\n')
}

const formatFinding = ({ case: name, line, subject, yardstick, ratio, isMet }: Finding): string[] => [
  name,
  `${line.title}, ${line.unit}`,
  `${nameOf(line.subject, line.yardstick)} ${formatSample(subject)}`,
  `${nameOf(line.yardstick, line.subject)} ${formatSample(yardstick)}`,
  ratio < 0.5 ? `${ratio.toFixed(2)} (1/${(1 / ratio).toFixed(1)})` : ratio.toFixed(2),
  aimOf(line),
  aimOf(line) === '' ? '' : isMet ? 'ok' : 'SHORT',
]

const aimOf = ({ atMost, atLeast }: Line): string => {
  if (atMost !== undefined) return `<= ${atMost.toFixed(2)}`
  return atLeast === undefined ? '' : `>= ${atLeast.toFixed(2)}`
}

/** The peer; the figure too where a peer is its own yardstick. */
const nameOf = ({ peer, figure }: Reading, other: Reading): string => (peer === other.peer ? `${peer} ${figure}` : peer)

const formatSample = ({ median, min, max, rounds }: Sample): string => {
  const spread = rounds === 1 ? '' : ` ±${(((max - min) / 2 / median) * 100).toFixed(0)}%`
  return `${formatNumber(median)}${spread}`
}

const formatNumber = (value: number): string =>
  value >= 1000 ? value.toFixed(0) : value >= 100 ? value.toFixed(1) : value.toFixed(2)
