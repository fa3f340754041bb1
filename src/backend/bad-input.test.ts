// Services that answer badly: reported with the operation and how the answer begins; nothing lost, nothing sent in a loop.
import { expect, it } from 'vitest'
import { setUp } from './testing/setup.ts'

const PAGE = { records: [], deleted: [], cursor: '1', more: false }
const TEN_MINUTES_MS = 600_000

type Answer = (method: string, url: URL) => Response | undefined

/** A service that makes, keeps and lists records, apart from what `answer` does instead. */
const setUpBad = async (answer: Answer) => {
  const counts: Record<string, number> = {}
  const fetch = async (input: unknown, { method = 'GET', body }: RequestInit = {}): Promise<Response> => {
    const url = new URL(String(input))
    const isTasks = url.pathname.startsWith('/tasks')
    counts[method] = (counts[method] ?? 0) + (isTasks ? 1 : 0)
    const given = isTasks ? answer(method, url) : undefined
    if (given !== undefined) return given
    if (method === 'GET')
      return url.pathname === '/tasks' || !isTasks ? Response.json(PAGE) : new Response(null, { status: 404 })
    if (method === 'DELETE') return new Response(null, { status: 204 })
    const [, , id = '1'] = url.pathname.split('/')
    return Response.json({ title: 'a', done: false, ...JSON.parse(String(body)), id: Number(id) })
  }
  return { ...(await setUp({ options: { fetch: fetch as typeof globalThis.fetch } })), counts }
}

it.each<[string, () => Response, string, RegExp]>([
  ['HTML with status 200', () => new Response('<html>login</html>'), 'answer', /^<html>login/],
  ['an id that changed', () => Response.json({ id: 77, title: 'b', done: false }), 'answer', /"id":77/],
  ['no id', () => Response.json({ title: 'b', done: false }), 'answer', /"title":"b"/],
  ['wrong types', () => Response.json({ id: 1, title: 7 }), 'answer', /"title":7/],
  ['a list', () => Response.json([1, 2]), 'answer', /^\[1,2\]/],
  ['nothing of the change', () => Response.json({ id: 1, title: 'a', done: false }), 'forgotten', /"title":"a"/],
  ['ten megabytes', () => new Response(`"${'x'.repeat(10_000_000)}"`), 'answer', /^"xxx/],
])(
  '[O10] an edit that is answered with %s is in the dead letter, with it; the edit is kept here',
  async (_, answer, kind, begins) => {
    const { db, world, backend, counts } = await setUpBad((method) => (method === 'PATCH' ? answer() : undefined))
    const id = db.tasks.insert({ title: 'a' })
    await world.pass(1000)
    db.tasks.update(id, { title: 'b' })
    await world.pass(TEN_MINUTES_MS)
    const [failed] = backend.outbox.failed()
    expect([failed?.row, failed?.kind, failed?.failure?.kind, failed?.failure?.request]).toEqual([
      id,
      'update',
      kind,
      { title: 'b' },
    ])
    expect(failed?.failure?.answer).toMatch(begins)
    expect([counts['PATCH'], db.tasks.get(id)?.title, db.tasks.status(id)]).toEqual([1, 'b', 'failed'])
  },
)

it('[O10] a delete that is answered with HTML is in the dead letter, and can be sent again', async () => {
  let isWell = false
  const { db, world, backend, counts } = await setUpBad((method) =>
    method === 'DELETE' && !isWell ? new Response('<html>proxy</html>') : undefined,
  )
  const id = db.tasks.insert({ title: 'a' })
  await world.pass(1000)
  db.tasks.delete(id)
  await world.pass(TEN_MINUTES_MS)
  const [failed] = backend.outbox.failed()
  expect([failed?.kind, failed?.failure?.answer, counts['DELETE']]).toEqual(['delete', '<html>proxy</html>', 1])
  isWell = true
  if (failed !== undefined) backend.outbox.retry(failed)
  await world.pass(1000)
  expect([backend.status.pending, counts['DELETE']]).toEqual([0, 2])
})

it.each<[string, () => Response, string, RegExp]>([
  ['HTML with status 200', () => new Response('<html>login</html>'), 'pull', /no JSON.*begins <html>login/],
  ['no list', () => Response.json({ error: 'oh' }), 'pull', /pull\(\) must resolve.*begins .*oh/],
  [
    'a page of ten megabytes',
    () => new Response(`{"records":["${'x'.repeat(10_000_000)}"]}`),
    'pull',
    /longer than.*begins/,
  ],
  [
    'records of wrong types',
    () => Response.json({ ...PAGE, records: [{ id: 1, title: 7 }] }),
    'record',
    /"title" cannot hold 7/,
  ],
  [
    'a record without an id',
    () => Response.json({ ...PAGE, records: [{ title: 'a' }] }),
    'record',
    /must have its id.*begins/,
  ],
  ['records that are none', () => Response.json({ ...PAGE, records: [null, 7, 'x', []] }), 'record', /JSON object/],
])(
  '[X7] a pull that is answered with %s is reported; rows stay, writes go out, nothing is asked in a loop',
  async (_, answer, kind, message) => {
    let isBad = false
    const { db, world, backend, counts } = await setUpBad((method, { pathname }) =>
      isBad && method === 'GET' && pathname === '/tasks' ? answer() : undefined,
    )
    const id = db.tasks.insert({ title: 'a' })
    await world.pass(1000)
    isBad = true
    counts['GET'] = 0
    await world.pass(TEN_MINUTES_MS)
    // One a minute.
    expect(counts['GET']).toBeLessThan(15)
    const problem = backend.problems().at(-1)
    expect([problem?.kind, problem?.message]).toEqual([kind, expect.stringMatching(message)])
    db.tasks.update(id, { title: 'b' })
    await world.pass(1000)
    expect([db.tasks.get(id)?.title, backend.status.pending]).toEqual(['b', 0])
  },
)

it('[X2] a page with a field called error is a page, and no refused cursor', async () => {
  const { backend } = await setUpBad((method) =>
    method === 'GET'
      ? Response.json({ ...PAGE, records: [{ id: 7, title: 'there', done: false }], error: null })
      : undefined,
  )
  await backend.pull()
  expect(backend.problems()).toEqual([])
})

it('[X2] a cursor that goes backwards is reported, and ends in no loop', async () => {
  const cursors = ['5', '3', '4', '5']
  let gets = 0
  const { world, backend } = await setUpBad((method) => {
    if (method !== 'GET') return undefined
    gets += 1
    return Response.json({ ...PAGE, cursor: cursors[(gets - 1) % 4], more: true })
  })
  await world.pass(10_000)
  expect(gets).toBeLessThan(10)
  const messages = backend.problems().flatMap(({ kind, message }) => (kind === 'cursor' ? [message] : []))
  expect(messages.join('\n')).toMatch(/goes back/)
  expect(messages.join('\n')).toMatch(/came again/)
})

it('[X3] a service that takes an insert and does not have it is reported; the row stays, and is not sent in a loop', async () => {
  let posts = 0
  const { db, world, backend } = await setUp({
    mapping: { listChanges: { kind: 'all' } },
    options: {
      fetch: (async (input: unknown, { method = 'GET', body }: RequestInit = {}) => {
        if (method === 'GET') return Response.json([])
        posts += String(input).includes('tasks') ? 1 : 0
        return Response.json({ ...JSON.parse(String(body)), id: 1 })
      }) as typeof globalThis.fetch,
    },
  })
  const id = db.tasks.insert({ title: 'a' })
  await world.pass(TEN_MINUTES_MS)
  const [failed] = backend.outbox.failed()
  expect([failed?.row, failed?.failure?.kind, posts, db.tasks.get(id)?.title]).toEqual([id, 'forgotten', 1, 'a'])
})

it('[C5] a backend that takes inserts and forgets them is asked a few times, and reported', async () => {
  let posts = 0
  const fetch: typeof globalThis.fetch = async (_url, init) => {
    if (init?.method === 'POST') posts += 1
    if (init?.method === 'POST' && posts === 1) throw new TypeError('fetch failed')
    if (init?.method === 'POST') return Response.json({ id: posts, title: 'a', done: false }, { status: 201 })
    return String(_url).includes('after') || !/\/\d+$/.test(String(_url))
      ? Response.json({ records: [], deleted: [], cursor: '1', more: false })
      : new Response(null, { status: 404 })
  }
  const { db, world, backend } = await setUp({ options: { fetch } })
  const id = db.tasks.insert({ title: 'a' })
  await world.pass(600_000)
  expect([backend.outbox.failed()[0]?.failure?.kind, db.tasks.get(id)?.title]).toEqual(['forgotten', 'a'])
  expect(posts).toBeLessThanOrEqual(8)
})

it('[X3] ids above 2^53 that come as numbers, and references to such, are reported and never taken rounded; as text they are exact', async () => {
  const big = (id: string) =>
    `{"records":[{"id":${id},"title":"a","done":false},{"id":"8","title":"b","done":false}],"cursor":"1","more":false}`
  let id = '1234567890123456789'
  const { db, world, backend } = await setUpBad((method, { pathname }) =>
    method === 'GET' && pathname === '/tasks' ? new Response(big(id)) : undefined,
  )
  await world.pass(100)
  expect(backend.problems().map(({ message }) => message)).toEqual([expect.stringContaining('is a number above 2^53')])
  expect(db.tasks.all().map(({ title }) => title)).toEqual(['b'])
  id = '"1234567890123456789"'
  await world.pass(TEN_MINUTES_MS)
  expect(db.ids.local('tasks', '1234567890123456789')).toBe(db.tasks.where({ title: 'a' }).first()?.id)
})

it.each([
  ['HTML with status 200', () => new Response('<html>login</html>', { status: 200 }), 'answer'],
  ['no id', () => Response.json({ title: 'a' }, { status: 201 }), 'answer'],
  ['an empty answer', () => new Response(null, { status: 201 }), 'answer'],
  ['wrong types', () => Response.json({ id: 1, title: 7 }, { status: 201 }), 'answer'],
  ['ten megabytes', () => new Response(`"${'x'.repeat(10_000_000)}"`, { status: 201 }), 'answer'],
])(
  '[O10] an insert that is answered with %s stands in the dead letter with it, and is not sent again',
  async (_, answer, kind) => {
    let posts = 0
    const { db, world, backend } = await setUp({
      options: {
        fetch: async (_url, init) => {
          if (init?.method !== 'POST') return Response.json({ records: [], deleted: [], cursor: '1', more: false })
          posts += 1
          return answer()
        },
      },
    })
    const id = db.tasks.insert({ title: 'a' })
    await world.pass(300_000)
    expect([backend.outbox.failed()[0]?.failure?.kind, posts, db.tasks.get(id)?.title]).toEqual([kind, 1, 'a'])
  },
)
