// The outline of one document: names of its root types, and how deep types lie in one another. Never underestimates the depth.
// Knows updates and their order, not the document: what it cannot place it takes to lie deepest.
import type { Id, Section, Update } from './update.ts'

/** Most root types of a document; encoding a document takes time by their square. */
export const MAX_ROOTS = 1000
/** Deepest type; reading and deleting recurse. */
export const MAX_DEPTH = 500
/** Types whose depth is remembered; a forgotten one counts as the deepest. */
const MAX_REMEMBERED = 20_000

/** What an update would add to an outline. */
export interface Growth {
  readonly roots: readonly string[]
  /** Depth of new types, by `client:clock`. */
  readonly types: ReadonlyMap<string, number>
  readonly deepest: number
}

/** Names and depths of one document's types. */
export class Outline {
  readonly #roots: Set<string>
  readonly #types = new Map<string, number>()
  #deepest: number

  /** @param deepest - No type of the document lies deeper. */
  constructor(roots: Iterable<string>, deepest: number) {
    this.#roots = new Set(roots)
    this.#deepest = deepest
  }

  /** No type lies deeper; a root lies at 1. */
  get deepest(): number {
    return this.#deepest
  }

  /** What an update, which is complete and new, would add. Changes nothing. */
  growthOf(update: Update): Growth {
    const roots = new Set<string>()
    let hasTypes = false
    for (const { structs } of update.sections)
      for (const { item } of structs) {
        if (typeof item?.parent === 'string' && !this.#roots.has(item.parent)) roots.add(item.parent)
        hasTypes ||= item?.content.kind === 'type'
      }
    const types = hasTypes ? new Depths(update, this.#types, this.#deepest).ofTypes() : new Map<string, number>()
    let deepest = this.#deepest
    for (const depth of types.values()) deepest = Math.max(deepest, depth)
    return { roots: [...roots], types, deepest }
  }

  /** Why a document may not grow so; undefined if it may. */
  refusal({ roots, deepest }: Growth): string | undefined {
    if (this.#roots.size + roots.length > MAX_ROOTS) return `more than ${MAX_ROOTS} root types`
    if (deepest > MAX_DEPTH) return `types are more than ${MAX_DEPTH} deep`
    return undefined
  }

  /** Takes the growth in. */
  grow({ roots, types, deepest }: Growth): void {
    for (const root of roots) this.#roots.add(root)
    if (this.#types.size + types.size > MAX_REMEMBERED) this.#types.clear()
    for (const [id, depth] of types) this.#types.set(id, depth)
    this.#deepest = deepest
  }

  /** Corrects the depth, once somebody has looked. */
  measured(deepest: number): void {
    this.#types.clear()
    this.#deepest = deepest
  }
}

const keyOf = ({ client, clock }: Id): string => `${client}:${clock}`

/** Depths of the types of one update. Items are climbed from sibling to sibling, without recursion: runs may be long. */
class Depths {
  readonly #sections: ReadonlyMap<number, Section>
  readonly #update: Update
  readonly #known: ReadonlyMap<string, number>
  readonly #deepest: number
  /** Depth of the parents of items met so far. */
  readonly #levels = new Map<string, number>()

  constructor(update: Update, known: ReadonlyMap<string, number>, deepest: number) {
    this.#update = update
    this.#sections = new Map(update.sections.map((section) => [section.client, section]))
    this.#known = known
    this.#deepest = deepest
  }

  /** Depth of every type in the update. */
  ofTypes(): Map<string, number> {
    const depths = new Map<string, number>()
    for (const { structs } of this.#update.sections)
      for (const struct of structs)
        if (struct.item?.content.kind === 'type') depths.set(keyOf(struct), this.#levelOf(struct) + 1)
    return depths
  }

  /** How deep the type lies that an item stands in; a root lies at 1, so an item of it has level 1. */
  #levelOf(start: Id): number {
    const path: string[] = []
    let added = 0
    let at: Id = start
    const steps: number[] = []
    let level: number | undefined
    let isParent = false
    while (level === undefined) {
      const struct = this.#structAt(at)
      const key = keyOf(struct ?? at)
      const met = this.#levels.get(key)
      if (met !== undefined) {
        level = met
        break
      }
      path.push(key)
      steps.push(added)
      const item = struct?.item
      if (item === undefined) {
        level = this.#levelOutside(at, isParent)
        break
      }
      const sibling = item.origin ?? item.rightOrigin
      isParent = sibling === undefined
      if (sibling !== undefined) at = sibling
      else if (typeof item.parent === 'string' || item.parent === undefined) level = 1
      else {
        added += 1
        at = item.parent
      }
    }
    // What was climbed through a parent lies one level deeper than that.
    for (const [index, key] of path.entries()) this.#levels.set(key, level + added - (steps[index] ?? 0))
    return level + added
  }

  /** Of an item that is not in the update; if it is a type, it does not lie deeper than the deepest. */
  #levelOutside(id: Id, isType: boolean): number {
    const depth = this.#known.get(keyOf(id)) ?? (isType ? this.#deepest : this.#deepest + 1)
    return Math.max(1, depth - 1)
  }

  #structAt({ client, clock }: Id) {
    const structs = this.#sections.get(client)?.structs
    if (structs === undefined) return undefined
    let [low, high] = [0, structs.length - 1]
    while (low <= high) {
      const middle = (low + high) >> 1
      const struct = structs[middle]
      if (struct === undefined) return undefined
      if (clock < struct.clock) high = middle - 1
      else if (clock >= struct.clock + struct.length) low = middle + 1
      else return struct
    }
    return undefined
  }
}
