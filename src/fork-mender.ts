// Mends forked tables while they are open: the log goes on with a document of its own clocks, which storage and relay then have in the
// former one's place. Knows row logs, forks, the saver and the session; decides nothing of forks.
import type { Forks } from './forks.ts'
import type { RowLog } from './rowlog/index.ts'
import type { Saver } from './storage/saver.ts'
import type { SyncSession } from './sync/port.ts'

/** What a {@link ForkMender} is given to work with. */
export interface ForkMenderOptions {
  readonly forks: Pick<Forks, 'note' | 'goOn'>
  readonly saver: Pick<Saver, 'change'>
  readonly session: () => SyncSession | undefined
  /** The log of a table by the table's name; undefined for documents that are mended at the next opening only. */
  readonly logOf: (document: string) => RowLog | undefined
  /** A document's name on the relay. */
  readonly remoteName: (document: string) => string
  /** Resolves once no write is half done; commits what is staged. @returns false once the database closes. */
  readonly flushed: () => Promise<boolean>
  readonly onStatus: () => void
}

/** Mends what a session finds forked. */
export class ForkMender {
  readonly #options: ForkMenderOptions
  /** What is found again is left to the next opening: something takes its clocks again and again. */
  readonly #mended = new Set<string>()
  #noting: Promise<unknown> = Promise.resolve()

  constructor(options: ForkMenderOptions) {
    this.#options = options
  }

  /**
   * Takes note that a document is forked, and mends it if it is a table's. Rejects if that could not be noted: it is found again at the
   * next connection then.
   */
  async found(document: string): Promise<void> {
    const { forks, logOf, onStatus } = this.#options
    const noted = forks.note(document)
    this.#noting = Promise.allSettled([this.#noting, noted])
    try {
      await noted
      onStatus()
    } finally {
      const log = logOf(document)
      if (log !== undefined) await this.#mend(document, log)
    }
  }

  /** Resolves once what was found is durable, or its failure was reported. */
  async noted(): Promise<void> {
    await this.#noting
  }

  /** Lets an open log go on under clocks of its own, with all that it holds, and what it has lost. */
  async #mend(document: string, log: RowLog): Promise<void> {
    const { forks, saver, session, remoteName, flushed, onStatus } = this.#options
    const rejoin = session()?.rejoin
    if (rejoin === undefined || this.#mended.has(document)) return log.restoreLost()
    this.#mended.add(document)
    if (!(await flushed())) return
    const update = log.renew()
    saver.change(document, () => forks.goOn(document, update).finally(onStatus))
    session()?.rejoin?.(remoteName(document), log.document)
  }
}
