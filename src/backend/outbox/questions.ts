// Questions: conflicts with a backend that wait for the user, beside those between replicas in `db.conflicts`. Knows operations and rows.
import type { Json } from '../../schema/index.ts'
import type { Conflict, ConflictingWrite, ConflictSource } from '../../table/index.ts'
import type { Core, MappedTable } from '../core.ts'
import { rowKey } from '../identity/ids.ts'
import { writtenOf } from '../rows.ts'
import { DELETED_MARK, isSame } from '../seen.ts'

import type { Operation, Question } from './operation.ts'

/** The column of a conflict that says that two records were made of one row. */
export const REMOTE_ID = 'remoteId'

/** Lists what a backend's operations ask, and acts on the answers. */
export class Questions implements ConflictSource {
  readonly #core: Core
  readonly #onChange: () => void

  constructor(core: Core, onChange: () => void) {
    this.#core = core
    this.#onChange = onChange
  }

  conflicts(): readonly Conflict[] {
    const asking = this.#core.outbox.queue.inState('asking')
    const asked = asking.flatMap((operation) => (operation.asked ?? []).map((one) => this.#describe(operation, one)))
    return [...asked, ...this.#twice()]
  }

  resolve(conflict: Conflict, choice: ConflictingWrite | { readonly value: unknown }): void {
    const { host } = this.#core
    if (conflict.column === REMOTE_ID) host.write(() => this.#keepOne(conflict, choice.value as Json))
    else host.write(() => this.#answer(conflict, choice))
    this.#onChange()
  }

  #describe({ table, row, timeMs }: Operation, { column, base, local, remote, timeMs: remoteMs }: Question): Conflict {
    const { codec } = this.#table(table)
    const shown = (value: Json): unknown => (column === DELETED_MARK ? value : codec.written(column, value))
    const theirs = { value: shown(remote), author: this.#core.name, timeMs: remoteMs, isMine: false }
    const mine = { value: shown(local), author: undefined, timeMs, isMine: true }
    return { table, id: row, column, base: shown(base), writes: [theirs, mine], backend: this.#core.name }
  }

  /** Rows of which more than one record was made. */
  #twice(): Conflict[] {
    const { ids, seen } = this.#core
    // Which of them are still there is being found out.
    const doubled = [...ids.doubled()].filter(({ table, row }) => seen.get(table, row).isStale !== true)
    return doubled.map(({ table, row, remotes }) => ({
      table,
      id: row,
      column: REMOTE_ID,
      base: undefined,
      writes: remotes.map((value, at) => ({ value, author: this.#core.name, timeMs: 0, isMine: at === 0 })),
      backend: this.#core.name,
    }))
  }

  #keepOne({ table, id }: Conflict, kept: Json): void {
    const { ids } = this.#core
    for (const remote of ids.live(table, id)) if (remote !== kept) ids.unlink(table, remote)
  }

  #answer({ table: name, id, column }: Conflict, choice: ConflictingWrite | { readonly value: unknown }): void {
    const table = this.#table(name)
    const { outbox } = this.#core
    for (const operation of outbox.queue.ofRow(rowKey(name, id))) {
      const question = operation.asked?.find((one) => one.column === column)
      if (operation.state !== 'asking' || question === undefined) continue
      if (column === DELETED_MARK) return this.#answerDelete(table, operation, isTheirs(choice, question))
      return this.#answerColumn(table, operation, question, choice)
    }
  }

  #answerColumn(
    table: MappedTable,
    operation: Operation,
    { column, remote }: Question,
    choice: ConflictingWrite | { readonly value: unknown },
  ): void {
    const { outbox } = this.#core
    const asked = (operation.asked ?? []).filter((one) => one.column !== column)
    const isMine = 'isMine' in choice && choice.isMine
    const isTheirsChosen = 'isMine' in choice && !choice.isMine
    if (!isMine)
      table.rows.update(
        operation.row,
        isTheirsChosen ? writtenOf(table.codec, { [column]: remote }) : { [column]: choice.value },
      )
    const stored = table.codec.stored(table.rows.get(operation.row, { withDeleted: true }) as object)
    const { [column]: _, ...others } = operation.fields
    const fields = isTheirsChosen ? others : { ...others, [column]: stored[column] as Json }
    const { asked: __, ...rest } = operation
    if (Object.keys(fields).length === 0 && operation.kind === 'update') return outbox.end(operation, 'dropped')
    outbox.put(asked.length > 0 ? { ...operation, fields, asked } : { ...rest, fields, state: 'queued' })
  }

  #answerDelete(table: MappedTable, operation: Operation, isTheirsChosen: boolean): void {
    const { outbox } = this.#core
    const { asked: _, ...rest } = operation
    const isDelete = operation.kind === 'delete'
    if (isTheirsChosen) {
      for (const one of outbox.queue.ofRow(rowKey(table.name, operation.row)))
        if (one.kind === 'delete') outbox.dropDelete(one)
        else outbox.end(one, 'dropped')
      if (isDelete) table.rows.restore(operation.row)
      else table.rows.delete(operation.row)
      return
    }
    const fields = table.codec.stored(table.rows.get(operation.row, { withDeleted: true }) as object)
    outbox.put(isDelete ? { ...rest, state: 'queued' } : { ...rest, kind: 'restore', fields, state: 'queued' })
  }

  #table(name: string): MappedTable {
    return this.#core.tables.get(name) as MappedTable
  }
}

const isTheirs = (choice: ConflictingWrite | { readonly value: unknown }, { remote }: Question): boolean =>
  'isMine' in choice ? !choice.isMine : isSame(choice.value as Json, remote)
