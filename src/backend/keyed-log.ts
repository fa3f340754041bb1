// A durable map of keys to JSON, kept as a row log and committed together with the tables' writes. Knows no operations and no ids.

import { type Entry, fieldOf, isCreated, PURGED, type RowLog } from '../rowlog/index.ts'
import type { Json } from '../schema/index.ts'

const COLUMNS = ['v']
const PURGED_FIELD = [PURGED]
/** Notes of deleted keys are cleared away this many at a time: nobody brings back a key that is deleted. */
const NOTES_AT_ONCE = 256

/** Values by key. Reads see what is staged; `commit` carries it into the document. */
export class KeyedLog<V extends Json = Json> {
  readonly #log: RowLog
  readonly #values = new Map<string, V>()
  #notes = 0
  /** What puts back keys that others write; undefined if they may. */
  #putBack: ((key: string) => void) | undefined

  /** @param onRemote - Told of keys that others wrote, and their values; undefined for deleted ones. */
  constructor(log: RowLog, onRemote: (key: string, value: V | undefined) => void = () => {}) {
    this.#log = log
    log.forgetPurges(Number.POSITIVE_INFINITY)
    for (const [key, entry] of log.entries) this.#take(key, entry)
    log.onRemoteChange((changes) => {
      for (const key of changes.keys())
        if (this.#putBack === undefined) onRemote(key, this.#take(key, log.entries.get(key)))
        else this.#putBack(key)
    })
  }

  /** Reads everything again, after the log was loaded with what others have stored. */
  reload(): void {
    this.#values.clear()
    for (const [key, entry] of this.#log.entries) this.#take(key, entry)
  }

  /**
   * From now on others' writes, which come too late, are taken back, until the returned function is called.
   *
   * @param onLate - Told, after the turn in which they came, that something is staged for that.
   */
  own(onLate: () => void): () => void {
    const late = new Set<string>()
    this.#putBack = (key) => {
      if (late.size === 0) queueMicrotask(() => this.#restage(late, onLate))
      late.add(key)
    }
    return () => {
      this.#putBack = undefined
    }
  }

  get(key: string): V | undefined {
    return this.#values.get(key)
  }

  entries(): IterableIterator<[string, V]> {
    return this.#values.entries()
  }

  /** Stages a value. @param isAnew - It stands even if somebody, not heard of yet, has ended the key before. */
  put(key: string, value: V, isAnew = false): void {
    this.#log.stage(key, isAnew || !this.#values.has(key), COLUMNS, [value])
    this.#values.set(key, value)
  }

  /** Stages the end of a key; nothing if there is none. */
  delete(key: string): void {
    if (!this.#values.delete(key)) return
    this.#log.stage(key, false, PURGED_FIELD, [0])
    this.#notes += 1
  }

  /** Carries what is staged into the document. */
  commit(): void {
    this.#log.commit()
    this.#log.takeLocalChanges()
    if (this.#notes < NOTES_AT_ONCE) return
    this.#notes = 0
    this.#log.forgetPurges(Number.POSITIVE_INFINITY)
  }

  #restage(keys: Set<string>, onDone: () => void): void {
    for (const key of keys) {
      const entry = this.#log.entries.get(key)
      const isThere = entry !== undefined && isCreated(entry)
      const value = this.#values.get(key)
      if (value !== undefined) this.#log.stage(key, !isThere, COLUMNS, [value])
      else if (isThere) this.#log.stage(key, false, PURGED_FIELD, [0])
    }
    keys.clear()
    onDone()
  }

  #take(key: string, entry: Entry | undefined): V | undefined {
    const value = entry !== undefined && isCreated(entry) ? (fieldOf(entry, 'v') as V) : undefined
    if (value === undefined) this.#values.delete(key)
    else this.#values.set(key, value)
    return value
  }
}
