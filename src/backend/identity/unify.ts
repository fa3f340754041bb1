// Unification: rows that turn out to be of one record become one, and a row whose record is another by now is looked at anew.
import type { Core, MappedTable } from '../core.ts'
import { storedOf } from '../outbox/capture.ts'
import type { Fields } from '../remote-table.ts'
import { writtenOf } from '../rows.ts'
import { DELETED_MARK, isSame } from '../seen.ts'
import { mayBeDerived, rowKey } from './ids.ts'

/** A row that another one stands for from now on. */
interface Twin {
  readonly table: MappedTable
  readonly derived: string
  readonly original: string
}

/** What a unifier is given to work with. */
export interface UnifierOptions {
  /** Runs work soon, outside of any transaction. */
  readonly schedule: (work: () => void) => void
  /** Whether it is for this one to act; what it does not act on is noted anew when it is. */
  readonly mayUnify: () => boolean
  /** Told that records are to be fetched. */
  readonly onDoubt: () => void
}

/** Collects rows of which something new is known, and brings all of them in line at once. */
export class Unifier {
  readonly #core: Core
  /** Rows that are referred to by derived ids, and not there yet. */
  readonly #awaited = new Set<string>()
  readonly #changed = new Map<string, readonly [table: string, row: string]>()
  readonly #options: UnifierOptions
  #isScheduled = false

  constructor(core: Core, options: UnifierOptions) {
    this.#core = core
    this.#options = options
  }

  /** Looks, soon, at a row that was linked, or whose record came or went. */
  note(table: string, row: string): void {
    if (!this.#core.tables.has(table)) return
    this.#changed.set(rowKey(table, row), [table, row])
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#options.schedule(() => this.#unify())
  }

  /** Looks whether a row refers to one by an id that was derived where another had been given. */
  noteReferences(table: MappedTable, row: object): void {
    for (const reference of table.codec.references(table.codec.stored(row))) {
      const at = reference.indexOf('/')
      const [name, id] = [reference.slice(0, at), reference.slice(at + 1)]
      if (!mayBeDerived(id)) continue
      if (this.#core.ids.canonical(name, id) !== id) this.note(name, id)
      else if (this.#core.tables.get(name)?.rows.get(id, { withDeleted: true }) === undefined)
        this.#awaited.add(reference)
    }
  }

  #unify(): void {
    const { host, ids } = this.#core
    const changed = [...this.#changed.values()]
    this.#changed.clear()
    this.#isScheduled = false
    if (!this.#options.mayUnify()) return
    const found = changed.flatMap(([name, row]) => this.#twinsOf(this.#core.tables.get(name) as MappedTable, row))
    const twins = [...new Map(found.map((twin) => [rowKey(twin.table.name, twin.derived), twin])).values()]
    if (twins.length > 0) host.write(() => this.#merge(twins))
    let isAny = false
    for (const [name, row] of changed) {
      const table = this.#core.tables.get(name) as MappedTable
      if (this.#doubt(table, ids.canonical(name, row))) isAny = true
    }
    if (isAny) this.#core.commit()
    if (isAny || twins.length > 0) this.#options.onDoubt()
  }

  #twinsOf(table: MappedTable, row: string): Twin[] {
    const { ids } = this.#core
    const original = ids.canonical(table.name, row)
    const others = ids.aliases(table.name, row).filter((id) => id !== original && this.#isUsed(table, id))
    return others.map((derived) => ({ table, derived, original }))
  }

  /** Whether there is a row of an id, or anything that refers to it. */
  #isUsed({ name, rows }: MappedTable, id: string): boolean {
    const key = rowKey(name, id)
    const { outbox, seen } = this.#core
    const isAwaited = this.#awaited.delete(key)
    const isThere = rows.get(id, { withDeleted: true }) !== undefined
    return isThere || isAwaited || seen.has(name, id) || outbox.queue.ofRow(key).length > 0
  }

  /** A row that had another record, or should have none, is to be fetched. @returns whether it is. */
  #doubt(table: MappedTable, id: string): boolean {
    const { ids, seen } = this.#core
    const row = table.rows.get(id, { withDeleted: true })
    const of = ids.remote(table.name, id)
    if (of === undefined) return false
    const { version: _, base, ...before } = seen.get(table.name, id)
    if (ids.records(table.name, id).length > 1 && String(before.of) !== String(of)) {
      // Whether it was deleted was said of another record.
      const { [DELETED_MARK]: __, ...columns } = base ?? {}
      seen.put(table.name, id, { of, base: columns, isStale: true, isUnknown: true }, storedOf(table.codec, row))
      return true
    }
    // Its maker gave it up, and somebody else made a record of it.
    const isContested = row?.deletedAt !== undefined && ids.isNeverRow(rowKey(table.name, id))
    if (before.isStale === true || !isContested) return false
    const doubt = { ...before, ...(base === undefined ? {} : { base }), isStale: true }
    seen.put(table.name, id, doubt, storedOf(table.codec, row))
    return true
  }

  #merge(twins: readonly Twin[]): void {
    this.#redirect(new Map(twins.map(({ table, derived, original }) => [rowKey(table.name, derived), original])))
    for (const twin of twins) {
      const { table, derived, original } = twin
      const { outbox, seen } = this.#core
      this.#replace(twin)
      this.#carryOver(twin)
      outbox.move(table.name, derived, original)
      seen.forget(table.name, derived)
      if (table.rows.get(derived, { withDeleted: true }) !== undefined) table.rows.purge(derived)
    }
  }

  /** The original takes the place of a derived row, where it has not come yet; if it has, which of both told of the record last cannot be known. */
  #replace({ table, derived, original }: Twin): void {
    const { rows, codec, name } = table
    const { seen } = this.#core
    const [there, here] = [rows.get(original, { withDeleted: true }), rows.get(derived)]
    if (there === undefined && here !== undefined) {
      rows.insert({ ...writtenOf(codec, codec.stored(here)), id: original })
      return seen.put(name, original, seen.get(name, derived), storedOf(codec, here))
    }
    const { version: _, ...before } = seen.get(name, original)
    seen.put(name, original, { ...before, isStale: true, isUnknown: true }, storedOf(codec, there))
  }

  /** What waits to be sent of the derived row is shown by the original. */
  #carryOver({ table: { name, rows, codec }, derived, original }: Twin): void {
    const there = rows.get(original, { withDeleted: true })
    if (there === undefined) return
    const { seen, outbox } = this.#core
    const operations = outbox.queue.ofRow(rowKey(name, derived))
    const last = operations.at(-1)?.kind
    if (last === 'delete') rows.delete(original)
    if (last === 'restore') rows.restore(original)
    const newer = new Set(outbox.queue.ofRow(rowKey(name, original)).flatMap(({ fields }) => Object.keys(fields)))
    const all: Fields = Object.assign({}, ...operations.map(({ fields }) => fields))
    const pending: Fields = Object.fromEntries(Object.entries(all).filter(([column]) => !newer.has(column)))
    const isMarked = last === 'delete' || last === 'restore'
    if (Object.keys(pending).length === 0 && !isMarked) return
    if (Object.keys(pending).length > 0) rows.update(original, writtenOf(codec, pending))
    const { base, ...before } = seen.get(name, original)
    const written = isMarked ? { ...pending, [DELETED_MARK]: last === 'delete' } : pending
    const known = pickKnown(seen.get(name, derived).base ?? {}, written)
    const after = storedOf(codec, rows.get(original, { withDeleted: true }))
    seen.put(name, original, { ...before, base: { ...known, ...base } }, after)
  }

  /** Rows that refer to a derived row refer to the original from now on. */
  #redirect(originals: ReadonlyMap<string, string>): void {
    for (const { rows, codec } of this.#core.tables.values())
      for (const row of rows.rows({ withDeleted: true })) {
        const stored = codec.stored(row)
        if (!codec.references(stored).some((reference) => originals.has(reference))) continue
        const moved = codec.redirect(stored, (table, id) => originals.get(rowKey(table, id)) ?? id)
        const fields = Object.entries(moved).filter(([column, value]) => !isSame(stored[column], value))
        rows.update(row.id, writtenOf(codec, Object.fromEntries(fields)))
      }
  }
}

/** What is known of columns that are about to be written. */
const pickKnown = (known: Fields, written: Fields): Fields =>
  Object.fromEntries(Object.entries(known).filter(([column]) => column in written))
