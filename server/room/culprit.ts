// Finds the update that makes a document unreadable, by halving. Knows updates as bytes, and that snapshots fail on bad ones.
import type { Snapshotter } from './snapshotter.ts'

/**
 * Finds the first update without which all before it can be loaded, and with which they cannot.
 *
 * @param updates - All updates of a document, in order.
 * @returns `undefined` if they load after all: then something else had failed.
 */
export const findCulprit = async (
  updates: readonly Uint8Array[],
  { make }: Pick<Snapshotter, 'make'>,
): Promise<Uint8Array | undefined> => {
  const loads = (count: number): Promise<boolean> =>
    // Copies: what a snapshotter is given may be empty here afterwards.
    make(updates.slice(0, count).map((update) => update.slice())).then(
      () => true,
      () => false,
    )
  // The snapshotter itself may be out of order, or closed.
  if (!(await loads(0)) || (await loads(updates.length))) return undefined
  let [good, bad] = [0, updates.length]
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    if (await loads(middle)) good = middle
    else bad = middle
  }
  return updates[bad - 1]
}
