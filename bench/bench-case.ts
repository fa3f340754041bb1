// What a case is: a measurement of one peer, and the lines that compare what came of it. Each file in `cases/` exports one
// `benchCase`. Knows no process and no table.
import type { Sample } from './measure.ts'
import type { Peer } from './peer.ts'

/** The subject of the bench; every other peer is a yardstick. */
export const SUBJECT = 'merrow'

/** How large a measurement is. */
export interface Setting {
  readonly rows: number
  readonly seed: number
  /** Bytes that the peer has stored such rows as, for cases that ask for them. */
  readonly readStored: () => Promise<Uint8Array>
}

/** What one measurement found, by figure. */
export type Figures = Readonly<Record<string, number>>
/** What all rounds found, by peer, subject first, and figure. */
export type CaseResult = Readonly<Record<string, Readonly<Record<string, Sample>>>>

/** One figure of one peer. */
export interface Reading {
  readonly peer: string
  readonly figure: string
}

/** One line of the report: a figure beside its yardstick. */
export interface Line {
  readonly title: string
  readonly unit: 'requests' | '%' | 'B' | 'B/row' | 'MB' | 'ms' | 'µs' | 'µs/row' | 'ns' | 'structs' | 'ids' | '/s'
  readonly subject: Reading
  readonly yardstick: Reading
  /** Highest ratio of subject to yardstick that is good enough; none for lines that only inform. */
  readonly atMost?: number | undefined
  /** Lowest, where more is better. */
  readonly atLeast?: number | undefined
}

/** One case. */
export interface BenchCase {
  /** What is measured, in a sentence. */
  readonly title: string
  /** Whether a repetition would find the same: sizes, not times. It then runs once. */
  readonly isExact: boolean
  /** Whether it starts from stored bytes. */
  readonly needsStored: boolean
  /** Folder of its peers; `peers` if left out. */
  readonly peers?: 'query-peers' | 'relay-peers'
  /** Whether a peer takes part. */
  takes(peer: string): boolean
  /** Measures one peer, in a process of its own. */
  measure(peer: Peer, setting: Setting): Promise<Figures>
  /** The lines to report. */
  lines(result: CaseResult): readonly Line[]
}

/**
 * Lines that set one figure of the subject beside the same figure of each other peer.
 *
 * @param aims - Highest good ratio, by yardstick; the others only inform.
 */
export const againstOthers = (
  result: CaseResult,
  figure: Pick<Line, 'title' | 'unit'> & { readonly figure: string },
  aims: Readonly<Record<string, number>>,
): Line[] =>
  Object.keys(result)
    .filter((peer) => peer !== SUBJECT)
    .map((peer) => ({
      title: figure.title,
      unit: figure.unit,
      subject: { peer: SUBJECT, figure: figure.figure },
      yardstick: { peer, figure: figure.figure },
      atMost: aims[peer],
    }))
