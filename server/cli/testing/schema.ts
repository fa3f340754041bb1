// The schema that the tests of the command line name with `--schema`.
import { column as c, defineSchema, table } from '../../../src/index.ts'

export const schema = defineSchema({
  people: table({
    name: c.string(),
    email: c.string().optional(),
    age: c.number().optional(),
    active: c.boolean().default(true),
    born: c.date().optional(),
    role: c.enum(['admin', 'guest']).default('guest'),
    tags: c.set(c.string()),
    scores: c.set(c.number()),
    more: c.json().optional(),
    visits: c.counter(),
  }),
  cities: table({ name: c.string(), population: c.number() }),
  members: table({
    email: c.string().optional(),
    team: c.string().default('red'),
    seat: c.number().optional(),
    since: c.date().optional(),
  })
    .unique('email')
    .unique('team', 'seat')
    .unique('since'),
})
