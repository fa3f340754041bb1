// Three versions of one schema, with steps from each to the next, and a store of the first one's making.
import { column as c, createDatabase, defineSchema, type Migration, table } from '../../index.ts'
import { memory, type StorageAdapter } from '../../storage/index.ts'

/** Tasks and people, people by one name. */
export const v1 = defineSchema({
  people: table({ name: c.string(), born: c.string().optional() }),
  tasks: table({ title: c.string(), urgent: c.boolean().default(false) }),
})

const peopleSteps: readonly Migration[] = [
  {
    to: 2,
    tables: {
      people: ({ name }) => {
        const [first, ...rest] = String(name).split(' ')
        return { first, last: rest.join(' ') }
      },
    },
  },
  {
    to: 3,
    tables: {
      people: ({ first, last, born }) => ({
        label: `${last}, ${first}`,
        ...(typeof born === 'string' ? { bornAt: new Date(born) } : {}),
      }),
      tasks: ({ urgent }) => ({ priority: urgent === true ? 2 : 0 }),
    },
  },
]
/** People by two names. */
export const v2 = defineSchema(
  { people: table({ first: c.string(), last: c.string(), born: c.string().optional() }), tasks: v1.tables.tasks },
  { version: 2, migrations: peopleSteps.slice(0, 1) },
)
/** People by a label; tasks with a priority. */
export const v3 = defineSchema(
  {
    people: table({ label: c.string(), bornAt: c.date().optional(), nick: c.string().default('none') }),
    tasks: table({ title: c.string(), priority: c.number().default(0) }),
  },
  { version: 3, migrations: peopleSteps },
)

/** A store that the first version has written: two people, one of them deleted, and a task. */
export const storeOf = async (): Promise<StorageAdapter> => {
  const storage = memory()
  const db = await createDatabase({ name: 'test', schema: v1, storage })
  db.people.insert({ id: 'ann', name: 'Ann Lee', born: '2000-01-02' })
  db.people.insert({ id: 'bo', name: 'Bo', born: undefined })
  db.people.delete('bo')
  db.tasks.insert({ id: 't', title: 'Write', urgent: true })
  await db.close()
  return storage
}

/** The same storage, with each append seen before it is made. */
export const watched = (inner: StorageAdapter, onAppend: (batch: readonly unknown[]) => void): StorageAdapter => ({
  async open(context) {
    const storage = await inner.open(context)
    const append = storage.append.bind(storage)
    storage.append = async (batch) => {
      onAppend(batch)
      return append(batch)
    }
    return storage
  },
})
