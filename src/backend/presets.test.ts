// Presets against small services that answer as theirs do.
import { Hono } from 'hono'
import { expect, it } from 'vitest'
import { AnswerError, graphqlTable, jsonApiTable, type RemoteId, type RemoteRecord, restTable } from './index.ts'
import { connect, type Row } from './testing/small-service.ts'

it('[O15] JSON:API: resources, relationships, pages by links.next', async () => {
  const records: Record<string, Row[]> = { projects: [], tasks: [] }
  const app = new Hono()
  const resource = (type: string, { id, attributes, relationships }: Row) => ({ type, id, attributes, relationships })
  app.use(async (context, next) => {
    await next()
    context.res.headers.set('content-type', 'application/vnd.api+json')
  })
  app.get('/:type', (context) => {
    const type = context.req.param('type')
    const at = Number(context.req.query('page[offset]') ?? 0)
    const all = records[type] ?? []
    const next = at + 2 < all.length ? `/${type}?page[offset]=${at + 2}` : null
    return context.json({ data: all.slice(at, at + 2).map((one) => resource(type, one)), links: { next } })
  })
  app.post('/:type', async (context) => {
    const type = context.req.param('type')
    const { data } = (await context.req.json()) as { data: Row }
    if (data['type'] !== type || context.req.header('content-type') !== 'application/vnd.api+json')
      return context.json({ errors: [{ status: '409', title: 'wrong type' }] }, 409)
    const made = { ...data, id: String((records[type]?.length ?? 0) + 1) }
    records[type]?.push(made)
    return context.json({ data: resource(type, made) }, 201)
  })
  app.patch('/:type/:id', async (context) => {
    const { type, id } = context.req.param()
    const { data } = (await context.req.json()) as { data: Row }
    const found = records[type]?.find((one) => one['id'] === id)
    if (found === undefined || data['id'] !== id) return context.json({ errors: [{ title: 'none' }] }, 404)
    Object.assign(found['attributes'] as object, data['attributes'])
    return context.json({ data: resource(type, found) })
  })
  app.delete('/:type/:id', (context) => {
    const { type, id } = context.req.param()
    records[type] = (records[type] ?? []).filter((one) => one['id'] !== id)
    return context.body(null, 204)
  })
  const url = 'http://api.example'
  const { world, db, backend } = await connect(
    {
      projects: jsonApiTable({ url: `${url}/projects`, type: 'projects' }),
      tasks: jsonApiTable({
        url: `${url}/tasks`,
        type: 'tasks',
        relationships: { projectId: { name: 'project', type: 'projects' } },
      }),
    },
    app,
  )
  const projectId = db.projects.insert({ name: 'p' })
  const ids = db.tasks.insertMany(['a', 'b', 'c', 'd', 'e'].map((title) => ({ title, projectId })))
  await world.pass(1000)
  db.tasks.update(ids[0] as string, { done: true })
  db.tasks.delete(ids[1] as string)
  await world.pass(1000)
  expect([backend.status.pending, records['tasks']?.length]).toEqual([0, 4])
  expect(records['tasks']?.[0]).toMatchObject({
    attributes: { title: 'a', done: true },
    relationships: { project: { data: { type: 'projects', id: '1' } } },
  })
  await world.pass(120_000)
  records['tasks'] = records['tasks']?.slice(0, 3) ?? []
  Object.assign(records['tasks']?.[2]?.['attributes'] as object, { title: 'theirs' })
  await world.pass(120_000)
  expect(
    db.tasks
      .all()
      .map(({ title, projectId: to }) => [title, to === projectId])
      .sort(),
  ).toEqual([
    ['a', true],
    ['c', true],
    ['theirs', true],
  ])
})

it('[O15] JSON:API: a next page of another origin is not asked for', async () => {
  const app = new Hono()
  app.get('/tasks', (context) => context.json({ data: [], links: { next: 'https://evil.example/tasks' } }))
  const { world, backend, requests } = await connect(
    { tasks: jsonApiTable({ url: 'http://api.example/tasks', type: 'tasks' }) },
    app,
  )
  await world.pass(1000)
  expect(requests.every(({ url }) => new URL(url).host === 'api.example')).toBe(true)
  expect(backend.problems().map(({ message }) => message)).toEqual([expect.stringContaining('another origin')])
})

it('[O15] GraphQL: operations by functions; what comes in errors has its class', async () => {
  const tasks: Row[] = []
  const app = new Hono()
  app.post('/graphql', async (context) => {
    const { query, variables } = (await context.req.json()) as { query: string; variables: Row }
    const input = variables['input'] as Row
    if (input?.['title'] === 'bad')
      return context.json({ data: null, errors: [{ message: 'title is bad', extensions: { status: 422 } }] })
    if (query.includes('createTask')) tasks.push({ ...input, id: `T${tasks.length + 1}` })
    const found = tasks.find(({ id }) => id === variables['id'])
    if (query.includes('updateTask')) Object.assign(found ?? {}, input)
    if (query.includes('deleteTask')) tasks.splice(tasks.indexOf(found as Row), 1)
    const made = query.includes('createTask') ? tasks.at(-1) : found
    return context.json({ data: query.includes('tasks {') ? { tasks } : { task: made } })
  })
  const fields = 'id title done'
  const { world, db, backend } = await connect(
    {
      tasks: graphqlTable({
        url: 'http://api.example/graphql',
        fields: { projectId: false },
        create: {
          query: `mutation($input: TaskInput!) { task: createTask(input: $input) { ${fields} } }`,
          variables: ({ data = {} }) => ({ input: data }),
          result: ({ task }) => task,
        },
        update: {
          query: `mutation($id: ID!, $input: TaskInput!) { task: updateTask(id: $id, input: $input) { ${fields} } }`,
          variables: ({ id = '', data = {} }) => ({ id, input: data }),
          result: ({ task }) => task,
        },
        remove: {
          query: 'mutation($id: ID!) { deleteTask(id: $id) { id } }',
          variables: ({ id = '' }) => ({ id }),
          result: () => undefined,
        },
        list: { query: `query { tasks { ${fields} } }`, result: ({ tasks: all }) => all },
      }),
    },
    app,
  )
  const [kept, gone] = db.tasks.insertMany([{ title: 'a' }, { title: 'b' }, { title: 'bad' }]) as [string, string]
  await world.pass(1000)
  db.tasks.update(kept, { done: true })
  db.tasks.delete(gone)
  await world.pass(1000)
  expect(tasks).toEqual([{ id: 'T1', title: 'a', done: true }])
  expect(backend.outbox.failed().map(({ failure }) => [failure?.status, failure?.message])).toEqual([
    [422, 'title is bad'],
  ])
  tasks.push({ id: 'T9', title: 'theirs', done: false })
  await world.pass(120_000)
  expect(
    db.tasks
      .all()
      .map(({ title }) => title)
      .sort(),
  ).toEqual(['a', 'bad', 'theirs'])
})

it('[X8] a list with pages is read to its end; one that says it is not whole is reported, and nothing deleted for it', async () => {
  const records = Array.from({ length: 5 }, (_, at) => ({ id: at + 1, title: `t${at}`, done: false }))
  let form: 'header' | 'body' | 'count' | 'whole' = 'header'
  const app = new Hono()
  app.get('/tasks', (context) => {
    const at = Number(context.req.query('page') ?? 0)
    const page = records.slice(at, at + 2)
    const next = at + 2 < records.length ? `/tasks?page=${at + 2}` : undefined
    if (form === 'whole') return context.json(records)
    if (form === 'header') return context.json(page, 200, next === undefined ? {} : { link: `<${next}>; rel="next"` })
    if (form === 'body') return context.json({ count: records.length, next: next ?? null, results: page })
    return context.json({ count: records.length, results: page })
  })
  const tasks = restTable({ url: 'http://x.example/tasks', fields: { projectId: false }, listChanges: { kind: 'all' } })
  const { world, db, backend } = await connect({ tasks }, app)
  await world.pass(100)
  const count = () => db.tasks.all().length
  expect(count()).toBe(5)
  form = 'body'
  records.splice(0, 1)
  await world.pass(120_000)
  expect([count(), backend.problems()]).toEqual([4, []])
  form = 'count'
  await world.pass(120_000)
  expect([count(), backend.problems().at(-1)?.message]).toEqual([
    4,
    expect.stringContaining('says that there are more'),
  ])
  form = 'whole'
  records.splice(0, 1)
  await world.pass(120_000)
  expect(count()).toBe(3)
})

it('[O15] bare functions: create, update, remove, get, pull', async () => {
  const records = new Map<number, RemoteRecord>()
  const called: string[] = []
  const recordOf = (id: RemoteId): RemoteRecord | undefined => records.get(Number(id))
  const { world, db, backend } = await connect({
    tasks: {
      fields: { projectId: false },
      async create(data) {
        called.push('create')
        records.set(records.size + 1, { ...data, id: records.size + 1 })
        return recordOf(records.size)
      },
      async update(id, data) {
        called.push('update')
        if (recordOf(id) === undefined) throw new AnswerError('none', { status: 404 })
        records.set(Number(id), { ...recordOf(id), ...data })
        return recordOf(id)
      },
      async remove(id) {
        called.push('remove')
        records.delete(Number(id))
      },
      get: async (id) => recordOf(id),
      pull: async () => ({ records: [...records.values()], cursor: undefined, more: false }),
    },
  })
  const [kept, gone] = db.tasks.insertMany([{ title: 'a' }, { title: 'b' }]) as [string, string]
  await world.pass(500)
  db.tasks.update(kept, { done: true })
  db.tasks.delete(gone)
  await world.pass(500)
  records.set(9, { id: 9, title: 'theirs', done: true })
  await world.pass(120_000)
  expect(called.toSorted()).toEqual(['create', 'create', 'remove', 'update'])
  expect([backend.status.pending, db.tasks.all().map(({ title, done }) => [title, done])]).toEqual([
    0,
    [
      ['a', true],
      ['theirs', true],
    ],
  ])
})
