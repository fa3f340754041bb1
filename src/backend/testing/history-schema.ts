// What seeded histories write to: the tables, and how the backend has their rows. Knows no history.
import { column as c, type Database, defineSchema, table } from '../../index.ts'

/** The tables. */
export const schema = defineSchema({
  projects: table({ uid: c.string(), name: c.string(), note: c.string().optional() }),
  tasks: table({
    uid: c.string(),
    title: c.string(),
    count: c.number().default(0),
    dueAt: c.date().optional(),
    projectId: c.ref('projects').optional(),
  }),
})

/** A database of them. */
export type Db = Database<typeof schema>
/** Their names. */
export type TableName = 'projects' | 'tasks'

/** All of them. */
export const TABLES: TableName[] = ['projects', 'tasks']

/** The columns that people edit. */
export const WRITTEN: Record<TableName, string[]> = { projects: ['name', 'note'], tasks: ['title', 'count'] }

/** A row as its record is to be. */
export const rowAsRecord = (
  db: Db,
  table: TableName,
  row: { readonly [column: string]: unknown },
): Record<string, unknown> => {
  if (table === 'projects') return { name: row['name'], note: row['note'] ?? null }
  const project =
    row['projectId'] === undefined ? null : (db.ids.remote('projects', String(row['projectId'])) ?? 'unknown')
  const due = row['dueAt'] instanceof Date ? row['dueAt'].toISOString() : null
  return { title: row['title'], count: row['count'], dueAt: due, project_id: project }
}
