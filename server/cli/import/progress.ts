// How far an import is, on one line that is drawn again and again; on a terminal only. Knows no file.

/** Where progress is drawn: standard error, as a rule. */
export interface Screen {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  write(text: string): unknown
}

const REDRAW_MS = 100
const BAR_WIDTH = 24
const CLEAR_LINE = '\r\x1b[K'

/** A line of progress. */
export class Progress {
  readonly #screen: Screen
  readonly #totalBytes: number | undefined
  readonly #now: () => number
  #drawnMs = Number.NEGATIVE_INFINITY

  /**
   * @param totalBytes - How much there is; undefined if nobody knows.
   * @param now - Wall clock, milliseconds.
   */
  constructor(screen: Screen, totalBytes: number | undefined, now: () => number = Date.now) {
    this.#screen = screen
    this.#totalBytes = totalBytes
    this.#now = now
  }

  /** Draws, unless that was done just now. */
  show(bytes: number, records: number, refused: number): void {
    const nowMs = this.#now()
    if (this.#screen.isTTY !== true || nowMs - this.#drawnMs < REDRAW_MS) return
    this.#drawnMs = nowMs
    const words = `${records.toLocaleString('en')} records${refused === 0 ? '' : `, ${refused.toLocaleString('en')} refused`}`
    this.#screen.write(CLEAR_LINE + `${this.#bar(bytes)}${words}`.slice(0, (this.#screen.columns ?? 80) - 1))
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#screen.isTTY === true && this.#drawnMs >= 0) this.#screen.write(CLEAR_LINE)
  }

  #bar(bytes: number): string {
    if (this.#totalBytes === undefined || this.#totalBytes === 0) return ''
    const share = Math.min(1, bytes / this.#totalBytes)
    const full = Math.floor(share * BAR_WIDTH)
    return `[${'='.repeat(full)}${' '.repeat(BAR_WIDTH - full)}] ${String(Math.floor(share * 100)).padStart(3)} %  `
  }
}
