// Twins: two rows of one record, as when it was pulled before its maker learned its id. Merges them into one. Knows no network.
import type { Core, MappedTable } from './core.ts'
import { type Link, mayBeDerived, rowKey } from './ids.ts'
import { storedOf } from './outbox/capture.ts'
import type { Fields } from './remote-table.ts'
import { writtenOf } from './rows.ts'
import { isSame } from './seen.ts'

/** Rows that were derived from a record which turned out to be another row's, and that row. */
interface Twin {
  readonly table: MappedTable
  readonly derived: string
  readonly original: string
}

/** Collects twins, and merges them all at once. */
export class Twins {
  readonly #core: Core
  /** Rows that are referred to by derived ids, and not there yet. */
  readonly #awaited = new Set<string>()
  readonly #found = new Map<string, Twin>()
  readonly #schedule: (work: () => void) => void

  /** @param schedule - Runs work soon, outside of any transaction. */
  constructor(core: Core, schedule: (work: () => void) => void) {
    this.#core = core
    this.#schedule = schedule
  }

  /** Looks whether a link makes twins, or takes the place of one to a record that is gone. */
  note({ table: name, local, remote }: Link): void {
    const table = this.#core.tables.get(name)
    if (table === undefined || remote === null) return
    const { ids, seen } = this.#core
    const { gone } = seen.get(name, local)
    if (gone !== undefined && ids.remotes(name, local).length > 1) this.#schedule(() => this.#unlink(name, local))
    const original = ids.local(name, remote) ?? local
    for (const derived of new Set([...ids.locals(name, remote), ids.derived(name, remote)]))
      if (derived !== original && this.#isUsed(table, derived)) this.#add({ table, derived, original })
  }

  /** Whether there is a row of an id, or anything that refers to it. */
  #isUsed({ name, rows }: MappedTable, id: string): boolean {
    const key = rowKey(name, id)
    const isThere = rows.get(id, { withDeleted: true }) !== undefined
    return isThere || this.#awaited.delete(key) || this.#core.outbox.queue.ofRow(key).length > 0
  }

  #unlink(table: string, local: string): void {
    const { ids, seen } = this.#core
    const { gone } = seen.get(table, local)
    const remotes = ids.remotes(table, local)
    if (gone === undefined || remotes.length < 2 || !remotes.includes(gone)) return
    ids.unlink(table, local, gone)
    this.#core.commit()
  }

  /** Looks whether a row refers to one by an id that was derived where another had been given. */
  noteReferences(table: MappedTable, row: object): void {
    for (const reference of table.codec.references(table.codec.stored(row))) {
      const [name = '', id = ''] = [
        reference.slice(0, reference.indexOf('/')),
        reference.slice(reference.indexOf('/') + 1),
      ]
      const target = this.#core.tables.get(name)
      if (target === undefined || !mayBeDerived(id) || target.rows.get(id, { withDeleted: true }) !== undefined)
        continue
      const original = this.#core.ids.originalOf(name, id)
      if (original === undefined) this.#awaited.add(reference)
      else this.#add({ table: target, derived: id, original })
    }
  }

  #add(twin: Twin): void {
    if (this.#found.size === 0) this.#schedule(() => this.#merge())
    this.#found.set(rowKey(twin.table.name, twin.derived), twin)
  }

  #merge(): void {
    const { host, outbox, seen } = this.#core
    const twins = [...this.#found.values()]
    this.#found.clear()
    if (twins.length === 0) return
    host.write(() => {
      this.#redirect(new Map(twins.map(({ table, derived, original }) => [rowKey(table.name, derived), original])))
      for (const { table, derived, original } of twins) {
        this.#carryOver(table, derived, original)
        this.#inherit(table, derived, original)
        outbox.move(table.name, derived, original)
        seen.forget(table.name, derived)
        // Which of both told of the record last cannot be known: it is fetched.
        const row = table.rows.get(original, { withDeleted: true })
        if (table.remote.get !== undefined && row !== undefined)
          seen.put(
            table.name,
            original,
            { ...seen.get(table.name, original), isStale: true },
            storedOf(table.codec, row),
          )
        if (table.rows.get(derived, { withDeleted: true }) !== undefined) table.rows.purge(derived)
      }
    })
  }

  /** What waits to be sent of the derived row is shown by the original. */
  #carryOver({ name, rows, codec }: MappedTable, derived: string, original: string): void {
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
    if (Object.keys(pending).length === 0) return
    const before = codec.stored(there)
    rows.update(original, writtenOf(codec, pending))
    seen.noteChange(name, original, before, { ...before, ...pending })
  }

  /** A record that was made again for the derived row is the original's, which is what that is. */
  #inherit({ name, rows, codec }: MappedTable, derived: string, original: string): void {
    const { ids, seen } = this.#core
    const known = ids.remotes(name, original)
    const more = ids.remotes(name, derived).filter((remote) => !known.includes(remote))
    if (more.length === 0) return
    for (const remote of known) if (ids.derived(name, remote) === derived) ids.unlink(name, original, remote)
    for (const remote of more) ids.link(name, original, remote)
    const here = rows.get(derived)
    if (here === undefined || rows.get(original, { withDeleted: true }) === undefined) return
    rows.restore(original)
    rows.update(original, writtenOf(codec, codec.stored(here)))
    const { gone: _, ...state } = seen.get(name, derived)
    seen.put(name, original, state, storedOf(codec, here))
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
