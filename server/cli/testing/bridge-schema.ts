// The tables of the bridge of bridge-config.ts.
import { column as c, defineSchema, table } from '../../../src/index.ts'

export const schema = defineSchema({
  projects: table({ name: c.string() }),
  tasks: table({ title: c.string(), done: c.boolean().default(false), projectId: c.ref('projects').optional() }),
})
