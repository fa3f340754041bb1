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
  const sections = new Map(update.sections.map((section) => [section.client, section]))
  const end = (client: number): number => Math.max(known(client), sections.get(client)?.to ?? 0)
  const missing = missingIn(update, known, end)
  if (missing !== undefined) return { kind: 'missing', reason: missing }
  return orderOf(update.sections, known)
}

const missingIn = (update: Update, known: KnownClocks, end: KnownClocks): string | undefined => {
  for (const { client, from, structs, hasGap } of update.sections) {
    if (hasGap || from > known(client)) return `clocks of client ${client} before ${from} or within are missing`
    for (const struct of structs) {
      const gone = needsOf(struct.item).find((id) => id.clock >= end(id.client))
      if (gone !== undefined) return `clock ${gone.clock} of client ${gone.client} is missing`
    }
  }
  for (const [client, spans] of update.deletes) {
    const to = spans.at(-1)?.to ?? 0
    if (to > end(client)) return `clock ${to - 1} of client ${client} is deleted and missing`
  }
  return undefined
}

const needsOf = (item: Section['structs'][number]['item']): readonly Id[] => {
  if (item === undefined) return []
  const { origin, rightOrigin, parent } = item
  return [origin, rightOrigin, typeof parent === 'string' ? undefined : parent].filter((id) => id !== undefined)
}

/** A struct that cannot go in before another one of the same update has. */
interface Wait {
  readonly clock: number
  readonly needs: Id
}

/** Integrates in thought: each client goes on until it waits for another; what waits in the end waits for itself. */
const orderOf = (sections: readonly Section[], known: KnownClocks): Completeness => {
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
  for (const { clock, item } of structs)
    for (const needs of needsOf(item)) {
      if (needs.client === client && needs.clock >= clock) return undefined
      if (needs.client !== client && needs.clock >= known(needs.client)) waits.push({ clock, needs })
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
