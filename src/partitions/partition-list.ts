// The list of a table's partitions on this device, kept beside the documents. Knows storage; opens none.
import { MerrowError } from '../errors.ts'
import type { Storage } from '../storage/port.ts'
import { checkKey } from '../table/index.ts'

/** What a list is given to work with. */
export interface PartitionListOptions {
  readonly table: string
  readonly storage: Storage
  readonly onError: (error: unknown) => void
}

/** Keys that this device has stored, and whether the relay may lack what was written here. */
export class PartitionList {
  readonly #options: PartitionListOptions
  readonly #isUnsent: Map<string, boolean>
  #written: Promise<void> = Promise.resolve()
  #isStored = true

  private constructor(options: PartitionListOptions, isUnsent: Map<string, boolean>) {
    this.#options = options
    this.#isUnsent = isUnsent
  }

  /** Reads the list. One that is damaged is reported: keys that it lacks are found again when they are opened. */
  static async read(options: PartitionListOptions): Promise<PartitionList> {
    const { table, storage, onError } = options
    const isUnsent = new Map<string, boolean>()
    try {
      for (const [key, unsent] of JSON.parse((await storage.readMeta(nameOf(table))) ?? '[]'))
        isUnsent.set(checkKey(table, key), unsent === true)
    } catch (cause) {
      const message = `The list of partitions of table "${table}" cannot be read whole: open those that it lacks by their keys.`
      onError(new MerrowError('storage_failed', message, { table, cause }))
    }
    return new PartitionList(options, isUnsent)
  }

  keys(): Iterable<string> {
    return this.#isUnsent.keys()
  }

  /** Partitions of which the relay may lack something. */
  unsent(): readonly string[] {
    return [...this.#isUnsent].flatMap(([key, unsent]) => (unsent ? [key] : []))
  }

  /** Takes note of a partition that has something stored. */
  noteStored(key: string): void {
    if (!this.#isUnsent.has(key)) this.#note(key, false)
  }

  /** Takes note of whether the relay may lack something of a partition. */
  noteUnsent(key: string, isUnsent: boolean): void {
    if (this.#isUnsent.get(key) !== isUnsent) this.#note(key, isUnsent)
  }

  /** Resolves once the list is durable. @throws {@link MerrowError} `storage_failed`, `storage_full` */
  saved(): Promise<void> {
    if (!this.#isStored) this.#write()
    return this.#written
  }

  #note(key: string, isUnsent: boolean): void {
    this.#isUnsent.set(key, isUnsent)
    this.#isStored = false
    this.#write()
  }

  #write(): void {
    const { storage, table, onError } = this.#options
    const write = async (): Promise<void> => {
      const text = JSON.stringify([...this.#isUnsent])
      await storage.writeMeta(nameOf(table), text)
      this.#isStored = text === JSON.stringify([...this.#isUnsent])
    }
    this.#written = this.#written.catch(() => {}).then(write)
    this.#written.catch(onError)
  }
}

const nameOf = (table: string): string => `partitions/${table}`
