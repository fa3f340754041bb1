// A process to kill: opens a store of 100,000 rows with a schema that migrates them, and says how far it is. Knows the library.
import { column as c, createDatabase, defineSchema, table } from '../../index.ts'
import { lmdb } from '../../storage/index.ts'

/** Rows in the store. */
export const ROWS = 100_000

/** The store's tables before and after. `onRow` is told of each row that a step is given. */
export const schemaAt = (version: 1 | 2, onRow: () => void = () => {}) =>
  defineSchema(
    { tasks: table({ title: c.string(), priority: c.number().default(0) }) },
    version === 1 ? {} : { version, migrations: [{ to: 2, tables: { tasks: step(onRow) } }] },
  )

const step =
  (onRow: () => void) =>
  ({ title }: Readonly<Record<string, unknown>>) => {
    onRow()
    return { priority: String(title).length }
  }

const [path, stopAfter] = process.argv.slice(2)
if (path !== undefined && stopAfter !== undefined) {
  let rows = 0
  const schema = schemaAt(2, () => {
    rows += 1
    if (rows === Number(stopAfter)) process.stdout.write('now\n')
  })
  await createDatabase({ name: 'big', schema, storage: lmdb({ path }) })
}
