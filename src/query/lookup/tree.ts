// A sorted tree: a B+ tree from npm, however it is imported. Knows nothing of what stands in it.
import btree from 'sorted-btree'
import bulk from 'sorted-btree/extended/bulkLoad.js'

/** Keys in order, each with a value. */
export type Tree<K, V> = btree.default<K, V>

/** A CommonJS package stands behind one `default` in Node, and behind none or two elsewhere. */
const unwrap = <T>(module: unknown, name: string): T => {
  const found = (module as Record<string, unknown>)[name] ?? module
  return (typeof found === 'function' ? found : unwrap(found, name)) as T
}
const BTree = unwrap<typeof btree.default>(btree, 'default')
const bulkLoad = unwrap<typeof bulk.bulkLoad>(bulk, 'bulkLoad')

const NODE_SIZE = 32

/**
 * Makes a tree.
 *
 * @param compare - An order that tells any two keys apart.
 * @param keys - What it holds at first, in order. Theirs from now on, as are the values.
 */
export const createTree = <K, V>(compare: (a: K, b: K) => number, keys: K[] = [], values: V[] = []): Tree<K, V> =>
  keys.length === 0 ? new BTree<K, V>(undefined, compare, NODE_SIZE) : bulkLoad(keys, values, NODE_SIZE, compare)
