// Types that queries must have, and ones they must not. Checked by the compiler alone.
import { column as c, type Database, defineSchema, type Row, table } from '../index.ts'

const schema = defineSchema({
  projects: table({ name: c.string(), leadId: c.ref('people') }),
  people: table({ name: c.string() }),
  tasks: table({
    title: c.string(),
    done: c.boolean().default(false),
    level: c.enum(['low', 'high']).optional(),
    points: c.number().optional(),
    dueAt: c.date().optional(),
    labels: c.set(c.string()),
    projectId: c.ref('projects').optional(),
  })
    .index('projectId')
    .index('done', 'createdAt')
    .search('title', 'labels'),
  tags: table({ name: c.string() }).unique('name'),
  taskTags: table({ taskId: c.ref('tasks'), tagId: c.ref('tags') }),
  messages: table({ text: c.string(), senderId: c.ref('people'), receiverId: c.ref('people') }),
})
type S = typeof schema
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_isSame: Equal<A, B>): void => {}

export const filters = ({ tasks, people }: Database<S>): void => {
  tasks.where({ done: true, level: 'low', dueAt: { lt: new Date() }, points: { gte: 1, in: [1, undefined] } })
  tasks.where({ title: { startsWith: 'a', contains: 'b', like: '%c' }, labels: { contains: 'red' }, level: undefined })
  tasks.where({ or: [{ done: true }, { not: { points: 1 } }], project: { name: 'P', lead: { name: 'L' } } })
  tasks.where({ taskTags: { tagId: 'x' } })
  // @ts-expect-error no such column
  tasks.where({ colour: 'red' })
  // @ts-expect-error no such operator
  tasks.where({ points: { above: 1 } })
  // @ts-expect-error wrong type
  tasks.where({ points: '1' })
  // @ts-expect-error wrong type in an operator
  tasks.where({ dueAt: { lt: 5 } })
  // @ts-expect-error no such value
  tasks.where({ level: { in: ['middle'] } })
  // @ts-expect-error a number starts with nothing
  tasks.where({ points: { startsWith: '1' } })
  // @ts-expect-error booleans have no order
  tasks.where({ done: { gt: false } })
  // @ts-expect-error no such column of the related table
  tasks.where({ project: { colour: 'red' } })
  // @ts-expect-error two columns of messages refer to people, so the name does not say which
  people.where({ messages: { text: 'x' } })
  // @ts-expect-error a set has no order
  tasks.orderBy('labels')
  // @ts-expect-error no such column
  tasks.orderBy('colour')
  // @ts-expect-error no such direction
  tasks.orderBy('title', 'down')
  // @ts-expect-error no such option
  tasks.search('a', { speed: 5 })
}

export const results = (db: Database<S>): void => {
  const { tasks, projects } = db
  const joined = tasks.where({}).include({ project: true, taskTags: true }).all()
  same<(typeof joined)[0]['project'], Row<S, 'projects'> | undefined>(true)
  same<(typeof joined)[0]['taskTags'], readonly Row<S, 'taskTags'>[]>(true)
  const deep = projects
    .where({})
    .include({ tasks: (tasks) => tasks.where({ done: false }).select({ title: true }), lead: (p) => p.limit(1) })
    .first()
  same<NonNullable<typeof deep>['tasks'][0]['title'], string>(true)
  same<NonNullable<NonNullable<typeof deep>['lead']>['name'], string>(true)
  const tagged = tasks.where({}).include('tags', { from: 'tags', through: 'taskTags' }).all()
  same<(typeof tagged)[0]['tags'], readonly Row<S, 'tags'>[]>(true)
  const sent = db.people.where({}).include('sent', { from: 'messages', by: 'senderId' }).first()
  same<NonNullable<typeof sent>['sent'], readonly Row<S, 'messages'>[]>(true)
  const shown = tasks
    .where({})
    .select({ title: true, length: ({ title }) => title.length })
    .all()
  same<(typeof shown)[0]['length'], number>(true)
  same<(typeof shown)[0]['title'], string>(true)
  const groups = tasks
    .where({})
    .groupBy(['projectId'], { n: { count: true }, sum: { sum: 'points' }, last: { max: 'dueAt' } })
  groups.having({ n: { gt: 1 }, projectId: 'x' }).orderBy('n', 'desc')
  groups.subscribe(({ rows: [group] }) => {
    if (group === undefined) return
    same<typeof group.projectId, string | undefined>(true)
    same<typeof group.n, number>(true)
    same<typeof group.last, Date | undefined>(true)
  })
  same<ReturnType<typeof tasks.all>[0], Row<S, 'tasks'>>(true)
  const least: Date | undefined = tasks.where({}).min('dueAt')
  tasks.where({}).sum('points')
  // @ts-expect-error no numbers to add up
  tasks.where({}).sum('title')
  // @ts-expect-error no such relation
  tasks.where({}).include({ owner: true })
  // @ts-expect-error the column does not refer to people
  db.people.where({}).include('tasks', { from: 'tasks', by: 'projectId' })
  // @ts-expect-error no such column
  tasks.where({}).select({ colour: true })
  // @ts-expect-error the selection does not show it
  shown[0]?.done
  // @ts-expect-error no such figure
  tasks.groupBy(['done'], { x: { median: 'points' } })
  // @ts-expect-error no such column or figure
  groups.having({ colour: 1 })
  // @ts-expect-error rows are read-only
  if (joined[0]) joined[0].title = 'x'
  uses(least)
}
const uses = (_value: unknown): void => {}

// @ts-expect-error no such column
export const unknownIndex = table({ title: c.string() }).index('colour')
// @ts-expect-error no such column
export const unknownSearch = table({ title: c.string() }).search('colour')
