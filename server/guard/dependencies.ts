// Whether an update can be integrated on top of known clocks: nothing missing, nothing that waits for itself. Knows clocks only.
import type { Id, Section, Update } from './update.ts'

/** `complete`, or what is wrong: something is `missing` that others may have, or the update is `impossible` everywhere. */
export type Completeness =
  | { readonly kind: 'complete' }
  | { readonly kind: 'missing'; readonly reason: string }
  | { readonly kind: 'impossible'; readonly reason: string }

/** The next clock of a client, as far as it is known. */
export type KnownClocks = (client: number) => number

const COMPLETE: Completeness = { kind: 'complete' }

/** Turns that honest updates need per struct that waits; only a forged tangle of many clients takes more. */
const MAX_TURNS_PER_WAIT = 200

/** Judges an update by the clocks that are known without it. */
export const completenessOf = (update: Update, known: KnownClocks): Completeness => {
  const { sections } = update
  const ends = sections.length < 2 ? undefined : new Map(sections.map(({ client, to }) => [client, to]))
  const [first] = sections
  const endIn = (client: number): number => (client === first?.client ? first.to : (ends?.get(client) ?? 0))
  const end = (client: number): number => Math.max(known(client), endIn(client))
  const missing = missingIn(update, known, end)
  if (missing !== undefined) return { kind: 'missing', reason: missing }
  return orderOf(update.sections, known)
}

const missingIn = (update: Update, known: KnownClocks, end: KnownClocks): string | undefined => {
  const isGone = (id: Id): boolean => id.clock >= end(id.client)
  for (const { client, from, structs, hasGap } of update.sections) {
    if (hasGap || from > known(client)) return `clocks of client ${client} before ${from} or within are missing`
    for (const struct of structs) {
      const gone = needOf(struct.item, isGone)
      if (gone !== undefined) return `clock ${gone.clock} of client ${gone.client} is missing`
    }
  }
  for (const [client, spans] of update.deletes) {
    const to = spans.at(-1)?.to ?? 0
    if (to > end(client)) return `clock ${to - 1} of client ${client} is deleted and missing`
  }
  return undefined
}

/** The first of what an item needs that is of a kind; every update asks, so nothing is made for it. */
const needOf = (item: Section['structs'][number]['item'], isOfKind: (id: Id) => boolean): Id | undefined => {
  if (item === undefined) return undefined
  const { origin, rightOrigin, parent } = item
  if (origin !== undefined && isOfKind(origin)) return origin
  if (rightOrigin !== undefined && isOfKind(rightOrigin)) return rightOrigin
  return typeof parent === 'object' && isOfKind(parent) ? parent : undefined
}

/** A struct that cannot go in before another one of the same update has. */
interface Wait {
  readonly clock: number
  readonly needs: Id
}

/** Integrates in thought: each client goes on until it waits for another; what waits in the end waits for itself. */
const orderOf = (sections: readonly Section[], known: KnownClocks): Completeness => {
  const [first] = sections
  if (first !== undefined && sections.length === 1 && waitsOf(first, known)?.length === 0) return COMPLETE
  const progress = new Map<number, number>()
  const waits = new Map<number, readonly Wait[]>()
  for (const section of sections) {
    const own = waitsOf(section, known)
    if (own === undefined) return { kind: 'impossible', reason: 'a struct refers to itself or to what comes after it' }
    waits.set(section.client, own)
    progress.set(section.client, section.from)
  }
  if ([...waits.values()].every((own) => own.length === 0)) return COMPLETE
  return advance(sections, waits, progress)
}

const waitsOf = ({ client, structs }: Section, known: KnownClocks): readonly Wait[] | undefined => {
  const waits: Wait[] = []
  let at = 0
  const isLater = (id: Id): boolean => id.client === client && id.clock >= at
  /** Notes all, so none is the first. */
  const note = (needs: Id): boolean => {
    if (needs.client !== client && needs.clock >= known(needs.client)) waits.push({ clock: at, needs })
    return false
  }
  for (const { clock, item } of structs) {
    at = clock
    if (needOf(item, isLater) !== undefined) return undefined
    needOf(item, note)
  }
  return waits
}

const advance = (
  sections: readonly Section[],
  waits: ReadonlyMap<number, readonly Wait[]>,
  progress: Map<number, number>,
): Completeness => {
  const next = new Map<number, number>()
  const waiting = new Map<number, Section[]>()
  const due = [...sections]
  let turns = [...waits.values()].reduce((sum, own) => sum + own.length, sections.length) * MAX_TURNS_PER_WAIT
  for (let section = due.pop(); section !== undefined; section = due.pop()) {
    const own = waits.get(section.client) ?? []
    if (--turns < 0) return { kind: 'impossible', reason: 'structs wait for one another without end' }
    let at = next.get(section.client) ?? 0
    const isMet = ({ needs }: Wait): boolean => needs.clock < (progress.get(needs.client) ?? 0)
    while (at < own.length && isMet(own[at] as Wait)) at += 1
    next.set(section.client, at)
    const wait = own[at]
    progress.set(section.client, wait?.clock ?? section.to)
    if (wait !== undefined) waiting.set(wait.needs.client, [...(waiting.get(wait.needs.client) ?? []), section])
    due.push(...(waiting.get(section.client) ?? []))
    waiting.delete(section.client)
  }
  const isStuck = sections.some(({ client, to }) => progress.get(client) !== to)
  return isStuck ? { kind: 'impossible', reason: 'structs wait for one another' } : COMPLETE
}
