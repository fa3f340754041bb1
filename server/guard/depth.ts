// How deep the types of a document really lie. Loads it, so it is asked seldom.
import * as Y from 'yjs'

/**
 * Measures a document.
 *
 * @param updates - All its updates.
 * @returns Depth of its deepest type; a root lies at 1.
 */
export const depthOf = (updates: readonly Uint8Array[]): number => {
  const doc = new Y.Doc()
  doc.transact(() => {
    for (const update of updates) Y.applyUpdate(doc, update)
  })
  const depths = new Map<unknown, number>()
  let deepest = 1
  for (const structs of doc.store.clients.values())
    for (const struct of structs)
      if (struct instanceof Y.Item && struct.content instanceof Y.ContentType)
        deepest = Math.max(deepest, depthIn(struct.content.type, depths))
  doc.destroy()
  return deepest
}

/** Without recursion: how deep it goes is the question. */
const depthIn = (type: Y.AbstractType<unknown>, depths: Map<unknown, number>): number => {
  const path: Y.AbstractType<unknown>[] = []
  let at: Y.AbstractType<unknown> | null = type
  while (at !== null && !depths.has(at)) {
    path.push(at)
    at = (at._item?.parent ?? null) as Y.AbstractType<unknown> | null
  }
  let depth = at === null ? 0 : (depths.get(at) ?? 0)
  for (const one of path.reverse()) depths.set(one, ++depth)
  return depth
}
