// The tables that tests of queries ask, and what they ask them with. Tests nothing.
import { column as c, createDatabase, defineSchema, table } from '../../index.ts'

/** Tables with indexes, a unique column, relations both ways, and columns to search. */
export const schema = defineSchema({
  projects: table({ name: c.string(), leadId: c.ref('people').optional() }),
  people: table({ email: c.string(), name: c.string().optional() }).unique('email'),
  tasks: table({
    title: c.string(),
    done: c.boolean().default(false),
    priority: c.number().default(0),
    level: c.enum(['low', 'high']).optional(),
    dueAt: c.date().optional(),
    labels: c.set(c.string()),
    meta: c.json().optional(),
    projectId: c.ref('projects').optional(),
  })
    .index('projectId')
    .index('done', 'priority')
    .index('title'),
  tags: table({ name: c.string() }),
  taskTags: table({ taskId: c.ref('tasks'), tagId: c.ref('tags') }),
  messages: table({ text: c.string(), senderId: c.ref('people'), receiverId: c.ref('people') }),
  notes: table({ title: c.string(), body: c.string().default(''), done: c.boolean().default(false) }).search(
    'title',
    'body',
  ),
})
/** A database of them, empty. */
export const open = (onError: (error: unknown) => void = console.error) =>
  createDatabase({ name: 'test', schema, onError })

/** Titles, joined. */
export const titles = (rows: readonly { readonly title: string }[]): string => rows.map(({ title }) => title).join()
/** Tasks with every second done, priorities 0 to 9, and 20 projects. */
export const many = (count: number) =>
  Array.from({ length: count }, (_, at) => ({
    id: `t${String(at).padStart(4, '0')}`,
    title: `T${(at * 37) % count}`,
    done: at % 2 === 0,
    priority: at % 10,
    projectId: `p${at % 20}`,
  }))
