// The queue: which operation may be sent now, and what each of the others waits for. Knows no storage and no network.
import { rowKey } from '../identity/ids.ts'
import type { Operation, OperationState } from './operation.ts'

/** What an operation waits for: one before it on its row, the record of a row, or one that still refers to what it deletes. */
export type Blocker =
  | { readonly kind: 'before'; readonly operation: Operation }
  | { readonly kind: 'record'; readonly row: string }
  | { readonly kind: 'referrer'; readonly operation: Operation }

/** What a queue asks of the id map and the schema. */
export interface QueueContext {
  /** Whether a row, `table/id`, has a record. */
  isLinked(row: string): boolean
  /** Rows whose records an operation's data name. */
  needs(operation: Operation): readonly string[]
}

/** Operations in order, with what they wait for. Looking up the next takes the same time however many there are. */
export class Queue {
  readonly #context: QueueContext
  readonly #operations = new Map<string, Operation>()
  readonly #byRow = new Map<string, string[]>()
  readonly #referrers = new Map<string, Set<string>>()
  readonly #waiting = new Map<string, Set<string>>()
  readonly #byState: Readonly<Record<OperationState, Set<string>>> = {
    queued: new Set(),
    sent: new Set(),
    failed: new Set(),
    asking: new Set(),
  }
  /** In the order in which they became ready. */
  readonly #ready = new Set<string>()

  constructor(context: QueueContext) {
    this.#context = context
  }

  get size(): number {
    return this.#operations.size
  }

  get(id: string): Operation | undefined {
    return this.#operations.get(id)
  }

  /** All operations, in order of writing. */
  all(): Operation[] {
    return [...this.#operations.values()].sort((a, b) => a.order - b.order)
  }

  /** One of the oldest. */
  first(): Operation | undefined {
    return this.#operations.values().next().value
  }

  /** How many are in a state. */
  count(state: OperationState): number {
    return this.#byState[state].size
  }

  /** Those in a state. */
  inState(state: OperationState): Operation[] {
    return Array.from(this.#byState[state], (id) => this.#operations.get(id) as Operation)
  }

  /** Operations of a row, `table/id`, in order. */
  ofRow(row: string): Operation[] {
    return (this.#byRow.get(row) ?? []).map((id) => this.#operations.get(id) as Operation)
  }

  /** Those that may be sent now. */
  ready(): IterableIterator<string> {
    return this.#ready.values()
  }

  /** Whether any may be sent now. */
  get isReady(): boolean {
    return this.#ready.size > 0
  }

  /** Adds an operation after the others of its row. */
  add(operation: Operation): void {
    const row = rowOf(operation)
    this.#operations.set(operation.id, operation)
    const ids = [...(this.#byRow.get(row) ?? []), operation.id]
    this.#byRow.set(row, this.#sorted(ids))
    this.#index(operation)
    this.consider(operation.id)
  }

  /** Puts another operation, or another state of it, in its place. */
  replace(id: string, operation: Operation): void {
    const before = this.#operations.get(id)
    if (before === undefined) return
    this.#unindex(before)
    if (id !== operation.id) this.#rename(id, operation)
    this.#operations.set(operation.id, operation)
    this.#index(operation)
    this.consider(operation.id)
    this.#considerDeletes(before.refs)
  }

  /** Takes an operation out, and looks at those that waited for it. */
  remove(id: string): void {
    const operation = this.#operations.get(id)
    if (operation === undefined) return
    const row = rowOf(operation)
    this.#unindex(operation)
    this.#operations.delete(id)
    this.#ready.delete(id)
    const rest = (this.#byRow.get(row) ?? []).filter((other) => other !== id)
    if (rest.length === 0) this.#byRow.delete(row)
    else this.#byRow.set(row, rest)
    if (rest[0] !== undefined) this.consider(rest[0])
    this.#considerDeletes(operation.refs)
  }

  /** A row has got its record, or will never have one: looks at those that waited for it. */
  noteRow(row: string): void {
    const waiting = this.#waiting.get(row)
    this.#waiting.delete(row)
    for (const id of waiting ?? []) this.consider(id)
    const [head] = this.#byRow.get(row) ?? []
    if (head !== undefined) this.consider(head)
  }

  /** Operations that wait for the record of a row, `table/id`. */
  waitingFor(row: string): Operation[] {
    return [...(this.#waiting.get(row) ?? [])].flatMap((id) => this.#operations.get(id) ?? [])
  }

  /** Finds out anew whether an operation may be sent. */
  consider(id: string): void {
    const operation = this.#operations.get(id)
    if (operation === undefined) return
    const blocker = operation.state === 'queued' ? this.blocker(operation) : undefined
    if (blocker?.kind === 'record') addTo(this.#waiting, blocker.row, id)
    if (operation.state === 'queued' && blocker === undefined) this.#ready.add(id)
    else this.#ready.delete(id)
  }

  /** The first thing that an operation waits for. */
  blocker(operation: Operation): Blocker | undefined {
    const row = rowOf(operation)
    const head = this.#byRow.get(row)?.[0]
    if (head !== undefined && head !== operation.id)
      return { kind: 'before', operation: this.#operations.get(head) as Operation }
    if (operation.kind !== 'insert' && !this.#context.isLinked(row)) return { kind: 'record', row }
    if (operation.kind === 'delete') return this.#referrer(row, operation)
    const missing = this.#context.needs(operation).find((needed) => !this.#context.isLinked(needed))
    return missing === undefined ? undefined : { kind: 'record', row: missing }
  }

  /** All that waits for an operation, near or far, in order of writing. */
  dependants(operation: Operation): Operation[] {
    const found = new Map<string, Operation>()
    const visit = (from: Operation): void => {
      const row = rowOf(from)
      const later = this.ofRow(row).filter(({ order }) => order > from.order)
      const referring =
        from.kind === 'insert' && !this.#context.isLinked(row)
          ? this.#referring(row).filter((other) => this.#context.needs(other).includes(row))
          : []
      const deletes = from.refs.flatMap((ref) => this.ofRow(ref).filter(({ kind }) => kind === 'delete'))
      for (const other of [...later, ...referring, ...deletes]) {
        if (found.has(other.id) || other.id === operation.id) continue
        found.set(other.id, other)
        visit(other)
      }
    }
    visit(operation)
    return [...found.values()].sort((a, b) => a.order - b.order)
  }

  /** By order of writing; what moved here from another row may come before others, though not before what was sent. */
  #sorted(ids: string[]): string[] {
    const rank = (id: string): number => {
      const { state, order } = this.#operations.get(id) as Operation
      return state === 'sent' ? 0 : order
    }
    return ids.sort((a, b) => rank(a) - rank(b))
  }

  #rename(id: string, operation: Operation): void {
    this.#operations.delete(id)
    this.#ready.delete(id)
    const row = rowOf(operation)
    const ids = this.#byRow.get(row) ?? []
    this.#byRow.set(
      row,
      ids.map((other) => (other === id ? operation.id : other)),
    )
  }

  /** Later ones too: what a transaction writes to several tables comes in the order of the tables. */
  #referrer(row: string, { id }: Operation): Blocker | undefined {
    const other = this.#referring(row).find((one) => one.id !== id)
    return other === undefined ? undefined : { kind: 'referrer', operation: other }
  }

  #referring(row: string): Operation[] {
    return [...(this.#referrers.get(row) ?? [])].flatMap((id) => this.#operations.get(id) ?? [])
  }

  #considerDeletes(refs: readonly string[]): void {
    for (const ref of refs) {
      const [head] = this.#byRow.get(ref) ?? []
      if (head !== undefined) this.consider(head)
    }
  }

  #index({ id, refs, state }: Operation): void {
    this.#byState[state].add(id)
    for (const ref of refs) addTo(this.#referrers, ref, id)
  }

  #unindex({ id, refs, state }: Operation): void {
    this.#byState[state].delete(id)
    for (const ref of refs) {
      const referrers = this.#referrers.get(ref)
      referrers?.delete(id)
      if (referrers?.size === 0) this.#referrers.delete(ref)
    }
  }
}

/** The row of an operation, `table/id`. */
export const rowOf = ({ table, row }: Operation): string => rowKey(table, row)

const addTo = (sets: Map<string, Set<string>>, key: string, id: string): void => {
  const set = sets.get(key)
  if (set === undefined) sets.set(key, new Set([id]))
  else set.add(id)
}
