// A process to kill: writes rows, sends them to a backend, and says which are saved. Knows the library.
import { column as c, createDatabase, defineSchema, table } from '../../index.ts'
import { lmdb } from '../../storage/index.ts'
import { connectBackend, restTable } from '../index.ts'

export const schema = defineSchema({ tasks: table({ title: c.string() }) })

/** Opens the database, and connects it. */
export const open = async (path: string, url: string) => {
  const db = await createDatabase({ name: 'killed', schema, storage: lmdb({ path }) })
  const backend = await connectBackend(db, { tasks: restTable({ url: `${url}/tasks` }) }, { token: '1' })
  return { db, backend }
}

const [path, url, round] = process.argv.slice(2)
if (path !== undefined && url !== undefined) {
  const { db } = await open(path, url)
  for (let at = 0; at < 100_000; at++) {
    const title = `${round}.${at}`
    db.tasks.insert({ title })
    await db.saved()
    process.stdout.write(`${title}\n`)
  }
}
