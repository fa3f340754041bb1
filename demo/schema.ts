// What Merrow tasks keeps: projects, and tasks that may belong to one. Knows no storage, no relay, no page.
import { column as c, type Database, defineSchema, type Row, table } from '../src/index.ts'

export const COLORS = ['teal', 'blue', 'violet', 'rose', 'amber', 'green'] as const
export const PRIORITIES = ['low', 'normal', 'high'] as const

export const schema = defineSchema({
  projects: table({
    name: c.string(),
    color: c.enum(COLORS),
  }),
  tasks: table({
    title: c.string(),
    done: c.boolean().default(false),
    priority: c.enum(PRIORITIES).default('normal'),
    note: c.string().default(''),
    projectId: c.ref('projects').optional(),
    dueAt: c.date().optional(),
  }),
})

export type Color = (typeof COLORS)[number]
export type Priority = (typeof PRIORITIES)[number]
export type Project = Row<typeof schema, 'projects'>
export type Task = Row<typeof schema, 'tasks'>
export type TasksDatabase = Database<typeof schema>
