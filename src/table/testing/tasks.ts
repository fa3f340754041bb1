// A database of tasks and projects, for tests of what every table does.
import { column as c, createDatabase, type Database, defineSchema, table } from '../../index.ts'
import type { StorageAdapter } from '../../storage/index.ts'

/** Tasks of several types of column, and projects. */
export const schema = defineSchema({
  projects: table({ name: c.string() }),
  tasks: table({
    title: c.string(),
    done: c.boolean().default(false),
    priority: c.number().default(0),
    dueAt: c.date().optional(),
    meta: c.json<{ tags: string[] }>().optional(),
    projectId: c.ref('projects').optional(),
  }),
})

/** Opens a database of them, in memory unless told otherwise. */
export const open = (
  options: { readonly storage?: StorageAdapter; readonly user?: string; readonly now?: () => number } = {},
): Promise<Database<typeof schema>> => createDatabase({ name: 'test', schema, ...options })
