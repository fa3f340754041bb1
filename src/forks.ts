// Forked documents: copies that say something else than the relay's under the same clocks. Each goes on under another name in the store, with
// the same rows under clocks of its own, and nothing is removed. Knows storage and row logs, no relay.
import type { RowLog } from './rowlog/index.ts'
import type { Fork } from './status.ts'
import type { Storage, StoredUpdate } from './storage/port.ts'

/** What is remembered of a fork. */
interface KnownFork extends Fork {
  /** Under which name the document goes on: see {@link storedName}. */
  readonly generation: number
  /** Whether nobody can write to the copy any more, and all of it has been carried over. */
  readonly isSettled: boolean
}

/** The name in the store of a document that went on so often: none that a table or a partition's key has, which escapes by hexadecimal digits. */
const storedName = (document: string, generation: number): string =>
  generation === 0 ? document : `${document}~g${generation}`

/** Each fork has a key of its own: openers of one store may find several at once, and would overwrite a list. */
const metaKey = ({ document, generation }: Pick<KnownFork, 'document' | 'generation'>): string =>
  `forked/${document}/${generation}`

/** The forks of one database's documents, as far as these were loaded. */
export class Forks {
  /** The store, with each document under the name by which it goes on. */
  readonly storage: Storage
  readonly #store: Storage
  readonly #known = new Map<string, KnownFork>()
  /** Generation that each document is written to here; 0 if it is not listed. */
  readonly #current = new Map<string, number>()
  readonly #onError: (error: unknown) => void

  constructor(store: Storage, onError: (error: unknown) => void) {
    this.#store = store
    this.#onError = onError
    this.storage = renaming(store, (document) => storedName(document, this.#generation(document)))
  }

  /** All that were found, those that are mended included. */
  get list(): readonly Fork[] {
    return [...this.#known.values()]
  }

  /** Remembers that a document is forked, as it is now; the next opening mends it, unless {@link goOn} does before. */
  async note(document: string): Promise<void> {
    const generation = this.#generation(document) + 1
    const known = await this.#read(document, generation)
    if (known === undefined) await this.#remember({ document, generation, isMended: false, isSettled: false })
  }

  /**
   * Loads a document, from where it goes on. Before that, what was found forked is mended: the copy's patches are brought over as far as they
   * lack. May be interrupted at any time, and is then done again.
   *
   * @param createLog - Makes an empty log like the document's.
   * @param isFirst - Whether whoever opens the store later finds all that is remembered: it can then be settled, if nobody had it open before.
   */
  async load(
    document: string,
    createLog: () => RowLog,
    { isFirst = false }: { readonly isFirst?: boolean } = {},
  ): Promise<readonly StoredUpdate[]> {
    const forks = await this.locate(document)
    const open = forks.filter(({ isSettled }) => !isSettled)
    if (open.length === 0) return this.storage.load(document)
    try {
      await this.#bringOver(document, forks.length, open, createLog)
      for (const fork of open) {
        const isSettled = isFirst && this.#store.isAlone
        if (isSettled || !fork.isMended) await this.#remember({ ...fork, isMended: true, isSettled })
      }
    } catch (error) {
      // A full disk must not keep a database from opening: it goes on where it was.
      this.#onError(error)
    }
    await this.locate(document)
    return this.storage.load(document)
  }

  /** Finds where a document goes on, so that {@link storage} has it there; {@link load} does so too. @returns Its forks, in order. */
  async locate(document: string): Promise<readonly KnownFork[]> {
    const forks = await this.#readAll(document)
    this.#current.set(document, forks.findLast(({ isMended }) => isMended)?.generation ?? 0)
    return forks
  }

  /**
   * Goes on with another document in the place of one that was found forked, which stays in the store as it is.
   *
   * @param update - The whole of the other one, with clocks of its own.
   * @returns What is stored of it.
   */
  async goOn(document: string, update: Uint8Array): Promise<readonly StoredUpdate[]> {
    // Somebody else who has this store open may have gone on already: then both have the same document again.
    const forks = await this.#readAll(document)
    const generation = Math.max(this.#generation(document) + 1, forks.length)
    await this.#store.append([{ document: storedName(document, generation), update }])
    for (let at = this.#generation(document) + 1; at <= generation; at++)
      await this.#remember({ document, generation: at, isSettled: false, ...forks[at - 1], isMended: true })
    this.#current.set(document, generation)
    return this.storage.load(document)
  }

  #generation(document: string): number {
    return this.#current.get(document) ?? 0
  }

  /** Each aside by itself: as Yjs documents they contradict one another. */
  async #bringOver(
    document: string,
    generation: number,
    forks: readonly KnownFork[],
    createLog: () => RowLog,
  ): Promise<void> {
    const name = storedName(document, generation)
    const log = createLog()
    log.load(updatesOf(await this.#store.load(name)))
    const lacking: Uint8Array[] = []
    log.onUpdate((update) => lacking.push(update))
    for (const { aside } of forks) {
      const copy = createLog()
      copy.load(updatesOf(await this.#store.load(aside)))
      log.adopt(new Map(Array.from(copy.entries, ([id, { patches }]) => [id, patches])))
      copy.destroy()
    }
    log.seal()
    log.destroy()
    if (lacking.length > 0) await this.#store.append(lacking.map((update) => ({ document: name, update })))
  }

  /** All forks of a document, in order: as remembered in the store, whoever found them. */
  async #readAll(document: string): Promise<readonly KnownFork[]> {
    const forks: KnownFork[] = []
    for (;;) {
      const fork = await this.#read(document, forks.length + 1)
      if (fork === undefined) return forks
      forks.push(fork)
    }
  }

  async #read(document: string, generation: number): Promise<KnownFork | undefined> {
    const key = metaKey({ document, generation })
    const text = await this.#store.readMeta(key)
    if (text === undefined) return undefined
    const { isMended, isSettled } = JSON.parse(text) as KnownFork
    const fork = { document, generation, aside: storedName(document, generation - 1), isMended, isSettled }
    this.#known.set(key, fork)
    return fork
  }

  async #remember(fork: Omit<KnownFork, 'aside'>): Promise<void> {
    const { document, generation, isMended, isSettled } = fork
    const key = metaKey(fork)
    await this.#store.writeMeta(key, JSON.stringify({ isMended, isSettled }))
    this.#known.set(key, {
      document,
      generation,
      aside: storedName(document, generation - 1),
      isMended,
      isSettled,
    })
  }
}

const updatesOf = (stored: readonly StoredUpdate[]): readonly Uint8Array[] => stored.map(({ update }) => update)

/** A store in which documents go by other names. */
const renaming = (store: Storage, nameOf: (document: string) => string): Storage => ({
  get isAlone() {
    return store.isAlone
  },
  readMeta: (key) => store.readMeta(key),
  writeMeta: (key, value) => store.writeMeta(key, value),
  load: (document) => store.load(nameOf(document)),
  append: (batch) => store.append(batch.map(({ document, update }) => ({ document: nameOf(document), update }))),
  compact: (document, state, replaced) => store.compact(nameOf(document), state, replaced),
  remove: (document) => store.remove(nameOf(document)),
  close: () => store.close(),
})
