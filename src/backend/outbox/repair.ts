// The outbox as its user sees it: what waits, what failed, and what to do about it. Knows rows and operations; sends nothing.

import { MerrowError, show } from '../../errors.ts'
import { Listeners } from '../../listeners.ts'
import type { Json } from '../../schema/index.ts'
import type { Core, MappedTable } from '../core.ts'
import type { Fields } from '../remote-table.ts'
import { writtenOf } from '../rows.ts'
import { DELETED_MARK } from '../seen.ts'
import { storedOf } from './capture.ts'
import type { Operation } from './operation.ts'
import { rowOf } from './queue.ts'

/** An operation, by its id. */
type Named = Pick<Operation, 'id'>

/** Operations on their way to a backend: `backend.outbox`. */
export class OutboxView {
  readonly #core: Core
  readonly #onChange: () => void
  readonly #listeners: Listeners

  /** @internal Made by `connectBackend`. */
  constructor(core: Core, onChange: () => void) {
    this.#core = core
    this.#listeners = new Listeners(core.host.onError)
    this.#onChange = onChange
  }

  /** All operations that are not at the backend yet, in order of writing. */
  list(): readonly Operation[] {
    this.#core.host.commit()
    return this.#core.outbox.queue.all()
  }

  /** The dead letter: operations that will not be sent again by themselves, each with its `failure`. */
  failed(): readonly Operation[] {
    return this.#core.outbox.queue.inState('failed').sort((a, b) => a.order - b.order)
  }

  /** All that waits for an operation, near or far. */
  dependants(operation: Named): readonly Operation[] {
    return this.#core.outbox.queue.dependants(this.#current(operation))
  }

  /** Sends a failed operation again as its row is now. @throws {@link MerrowError} `invalid_argument` if it has not failed. */
  retry(operation: Named): void {
    this.#again(this.#failedOne(operation, 'retry'), {})
  }

  /**
   * Writes columns of a failed operation's row, and sends it again with them.
   *
   * @throws {@link MerrowError} `invalid_value` if the table refuses them, `invalid_argument` if it has not failed.
   */
  edit(operation: Named, data: Readonly<Record<string, unknown>>): void {
    const failed = this.#failedOne(operation, 'edit')
    const { rows, codec } = this.#table(failed)
    this.#core.host.write(() => {
      rows.update(failed.row, data)
      const row = rows.get(failed.row, { withDeleted: true })
      const stored = row === undefined ? {} : codec.stored(row)
      const edited = Object.fromEntries(Object.keys(data).map((name) => [name, stored[name] as Json]))
      const fields = { ...failed.fields, ...edited }
      this.#again(failed, { fields, refs: [...new Set([...failed.refs, ...codec.references(fields)])] })
    })
  }

  /**
   * Gives up an operation and takes back here what it wrote; an insert's row is soft-deleted.
   *
   * @param options.withDependants - Gives up all that waits for it, too; see {@link dependants}.
   * @throws {@link MerrowError} `invalid_argument` if something waits for it and `withDependants` is not given, or if it is being sent.
   */
  discard(operation: Named, { withDependants = false }: { readonly withDependants?: boolean } = {}): void {
    const given = this.#mine(operation, 'discard')
    const { outbox, host } = this.#core
    const dependants = outbox.queue.dependants(given)
    if (dependants.length > 0 && !withDependants)
      throw new MerrowError(
        'invalid_argument',
        `${dependants.length} operations wait for this one (${dependants.slice(0, 3).map(nameOf).join(', ')}). Look at outbox.dependants(operation), then discard(operation, { withDependants: true }).`,
      )
    const all = [...dependants.reverse(), given]
    const sent = all.find(({ state }) => state === 'sent')
    if (sent !== undefined)
      throw new MerrowError(
        'invalid_argument',
        `${nameOf(sent)} is being sent, and may have had its effect. Wait for its answer.`,
      )
    const bases = new Map(all.map((one) => [rowOf(one), this.#base(one)]))
    host.write(() => {
      for (const one of all) {
        const base = bases.get(rowOf(one)) ?? {}
        this.#revert(one, base)
        outbox.end(one, 'discarded')
        this.#followRecord(one, base)
      }
    })
    this.#onChange()
  }

  /** Calls `listener` soon after any change of the outbox. @returns A function that ends it. */
  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener)
  }

  /** @internal Something has changed. */
  announce(): void {
    this.#listeners.tell()
  }

  #again(operation: Operation, changes: Partial<Operation>): void {
    this.#core.outbox.again(operation, changes)
    this.#core.commit()
    this.#onChange()
  }

  #revert(operation: Operation, base: Fields): void {
    const { rows, codec, name } = this.#table(operation)
    const { ids } = this.#core
    const { kind, row } = operation
    const current = rows.get(row, { withDeleted: true })
    if (current === undefined) return
    if (kind === 'insert') ids.markNever(name, row)
    if (kind === 'insert') return rows.delete(row)
    rows.update(row, writtenOf(codec, this.#before(operation, base)))
    if (kind === 'delete' && base[DELETED_MARK] !== true) rows.restore(row)
    if (kind === 'restore' && base[DELETED_MARK] === true) rows.delete(row)
  }

  /** What was to bring a record back is given up: its row goes, too. */
  #followRecord(operation: Operation, base: Fields): void {
    const { rows } = this.#table(operation)
    const isWanted = this.#core.outbox.queue.ofRow(rowOf(operation)).length > 0
    if (isWanted || base[DELETED_MARK] !== true || rows.get(operation.row) === undefined) return
    rows.delete(operation.row)
  }

  /** What the columns of an operation held before it: by an earlier operation, or as the record has it. */
  #before(operation: Operation, base: Fields): Fields {
    const earlier = this.#core.outbox.queue.ofRow(rowOf(operation)).filter(({ order }) => order < operation.order)
    const known: Fields = Object.assign({}, base, ...earlier.map(({ fields }) => fields))
    return Object.fromEntries(Object.keys(operation.fields).map((name) => [name, known[name] ?? null]))
  }

  /** A row's columns as the record has them. */
  #base(operation: Operation): Fields {
    const { rows, codec, name } = this.#table(operation)
    const row = rows.get(operation.row, { withDeleted: true })
    const { ids, seen } = this.#core
    const remote = ids.remote(name, operation.row)
    const isGone = remote !== undefined && ids.isGone(name, remote)
    return {
      ...storedOf(codec, row),
      ...seen.get(name, operation.row).base,
      ...(isGone ? { [DELETED_MARK]: true } : {}),
    }
  }

  #failedOne(operation: Named, what: string): Operation {
    const current = this.#mine(operation, what)
    if (current.state === 'failed') return current
    throw new MerrowError(
      'invalid_argument',
      `Cannot ${what} ${nameOf(current)}: it has not failed, it is ${current.state}.`,
    )
  }

  /** @throws {@link MerrowError} `unsupported` while another bridge leads, which would take back what is changed here. */
  #mine(operation: Named, what: string): Operation {
    if (this.#core.mayRepair()) return this.#current(operation)
    throw new MerrowError(
      'unsupported',
      `Cannot ${what} an operation here: another bridge holds the lease, and the outbox with it. Do it there, or write the row anew.`,
    )
  }

  #current({ id }: Named): Operation {
    const current = this.#core.outbox.queue.get(id)
    if (current !== undefined) return current
    throw new MerrowError('invalid_argument', `There is no operation ${show(id)} in the outbox any more. List it anew.`)
  }

  #table({ table }: Operation): MappedTable {
    return this.#core.tables.get(table) as MappedTable
  }
}

const nameOf = ({ kind, table, row }: Operation): string => `${kind} of "${row}" in "${table}"`
