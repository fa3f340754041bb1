// Forked documents: copies that say something else than the relay's under the same clocks. Remembers which were found, puts them aside and
// others, with the same rows under clocks of their own, in their place: at the next opening, or for a log that is open. Knows storage and row logs, no relay.
import type { RowLog } from './rowlog/index.ts'
import type { Fork } from './status.ts'
import type { Storage, StoredUpdate } from './storage/port.ts'

const META = 'forks'

/** How {@link Forks} are set up. */
export interface ForksOptions {
  readonly storage: Storage
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly onError: (error: unknown) => void
}

/** The forks of one database. */
export class Forks {
  readonly #options: ForksOptions
  #list: readonly Fork[]
  #writing: Promise<void> = Promise.resolve()

  private constructor(options: ForksOptions, list: readonly Fork[]) {
    this.#options = options
    this.#list = list
  }

  /** Reads what earlier runs found. */
  static async open(options: ForksOptions): Promise<Forks> {
    const text = await options.storage.readMeta(META)
    return new Forks(options, text === undefined ? [] : (JSON.parse(text) as readonly Fork[]))
  }

  /** All that were found, those that are mended included. */
  get list(): readonly Fork[] {
    return this.#list
  }

  /** Remembers that a document is forked; the next opening mends it, unless it was mended before. */
  note(document: string): void {
    if (this.#list.some((fork) => fork.document === document && !fork.isMended)) return
    const aside = `${document}~forked-${this.#options.now()}`
    this.#write([...this.#list, { document, aside, isMended: false }]).catch(this.#options.onError)
  }

  /** Resolves once what was noted is durable, or its failure was reported; what could not be noted is found again at the next connection. */
  settled(): Promise<void> {
    return this.#writing
  }

  /**
   * Mends a document that was found forked: its updates are kept aside, and replaced by one that holds the same patches under clocks of their
   * own, which any relay can take. May be interrupted at any time, and is then done again.
   *
   * @param createLog - Makes an empty log like the document's.
   * @returns What the document consists of now.
   */
  async mend(
    document: string,
    stored: readonly StoredUpdate[],
    createLog: () => RowLog,
  ): Promise<readonly StoredUpdate[]> {
    const fork = this.#list.find((other) => other.document === document && !other.isMended)
    if (fork === undefined) return stored
    if (stored.length === 0) return stored
    return this.#replace(
      fork,
      stored,
      carriedOver(
        stored.map(({ update }) => update),
        createLog,
      ),
    )
  }

  /**
   * Puts an update in the place of what is stored of a document that was found forked, which is kept aside: the log that is open goes on with
   * the same patches under clocks of their own. May be interrupted at any time; the next opening mends what is stored then.
   *
   * @returns What the document consists of now.
   */
  async replace(document: string, update: Uint8Array): Promise<readonly StoredUpdate[]> {
    const stored = await this.#options.storage.load(document)
    const fork = this.#list.find((other) => other.document === document && !other.isMended)
    return fork === undefined ? stored : this.#replace(fork, stored, update)
  }

  async #replace(fork: Fork, stored: readonly StoredUpdate[], update: Uint8Array): Promise<readonly StoredUpdate[]> {
    const { storage } = this.#options
    const { document, aside } = fork
    if ((await storage.load(aside)).length === 0)
      await storage.append(stored.map((known) => ({ document: aside, update: known.update })))
    const replaced = stored.map(({ key }) => key)
    const key = await storage.compact(document, update, replaced)
    await this.#write(this.#list.map((other) => (other === fork ? { ...fork, isMended: true } : other)))
    return [{ key, update }]
  }

  #write(list: readonly Fork[]): Promise<void> {
    this.#list = list
    const written = this.#writing.then(() => this.#options.storage.writeMeta(META, JSON.stringify(list)))
    this.#writing = written.catch(() => {})
    return written
  }
}

const carriedOver = (updates: readonly Uint8Array[], createLog: () => RowLog): Uint8Array => {
  const [from, to] = [createLog(), createLog()]
  from.load(updates)
  to.adopt(new Map(Array.from(from.entries, ([id, { patches }]) => [id, patches])))
  to.seal()
  const state = to.encode()
  for (const log of [from, to]) log.destroy()
  return state
}
