// Answers that make no sense, and backends that do not keep what they take: reported, nothing lost, nothing sent in a loop.
import { expect, it } from 'vitest'
import { setUp } from './testing/setup.ts'

const page = (more: object = {}) => Response.json({ records: [], deleted: [], cursor: '1', more: false, ...more })

it.each([
  ['of another record', () => Response.json({ id: 2, title: 'b' }), 'answer', /record 2, not 1.*/],
  [
    'showing nothing of the change',
    () => Response.json({ id: 1, title: 'a', done: false }),
    'forgotten',
    /nothing of the change/,
  ],
  ['that is an HTML page', () => new Response('<html>Sign in</html>'), 'answer', /JSON|html/i],
  ['of wrong types', () => Response.json({ id: 1, title: 7 }), 'answer', /title/],
])(
  '[O10] an edit that gets an answer %s stands in the dead letter with its beginning',
  async (_, answer, kind, why) => {
    let patches = 0
    const fetch: typeof globalThis.fetch = async (_url, init) => {
      if (init?.method === 'POST') return Response.json({ id: 1, title: 'a', done: false }, { status: 201 })
      if (init?.method !== 'PATCH') return page()
      patches += 1
      return answer()
    }
    const { db, world, backend } = await setUp({ options: { fetch } })
    const id = db.tasks.insert({ title: 'a' })
    await world.pass(1000)
    db.tasks.update(id, { title: 'b' })
    await world.pass(300_000)
    const [failed] = backend.outbox.failed()
    expect([failed?.failure?.kind, patches, db.tasks.get(id)?.title]).toEqual([kind, 1, 'b'])
    expect(`${failed?.failure?.message} ${failed?.failure?.answer}`).toMatch(why)
    expect(failed?.failure?.answer?.length).toBeGreaterThan(5)
  },
)

it.each([
  ['of 10 MB', () => new Response(`{"records":[{"id":1,"title":"${'x'.repeat(10_000_000)}"}]}`), /long|bytes|MB|MiB/i],
  ['that is an HTML page', () => new Response('<html>Sign in</html>'), /<html>Sign in/],
])('[X2] a page %s is reported, and writes go out all the same', async (_, answer, why) => {
  let posts = 0
  const fetch: typeof globalThis.fetch = async (_url, init) => {
    if (init?.method !== 'POST') return answer()
    posts += 1
    return Response.json({ id: posts, title: 'a', done: false }, { status: 201 })
  }
  const { db, world, backend } = await setUp({ options: { fetch } })
  db.tasks.insert({ title: 'a' })
  await world.pass(60_000)
  expect([posts, backend.status.pending, db.tasks.all().length]).toEqual([1, 0, 1])
  expect(
    backend
      .problems()
      .map(({ message }) => message)
      .join(' '),
  ).toMatch(why)
})

it('[X2] a cursor that goes backwards ends the pull, and is reported', async () => {
  let gets = 0
  const fetch: typeof globalThis.fetch = async (url) => {
    gets += 1
    const after = new URL(String(url)).searchParams.get('after')
    return page({ cursor: after === '2' ? '1' : after === '1' ? '2' : '1', more: true })
  }
  const { world, backend } = await setUp({ options: { fetch } })
  await world.pass(500)
  expect(gets).toBeLessThan(20)
  expect(backend.problems().map(({ kind }) => kind)).toContain('cursor')
})

it('[X3] of a page, records without an id or of wrong types are reported, and the others become rows', async () => {
  const records = [{ title: 'no id' }, { id: 2, title: 7 }, 'text', null, { id: 3, title: 'good', done: false }]
  const fetch: typeof globalThis.fetch = async (url) => (String(url).includes('/tasks') ? page({ records }) : page())
  const { db, world, backend } = await setUp({ options: { fetch } })
  await world.pass(500)
  expect(db.tasks.all().map(({ title }) => title)).toEqual(['good'])
  expect(backend.problems().filter(({ kind }) => kind === 'record')).toHaveLength(4)
})

it('[C5] a backend that takes inserts and forgets them is asked a few times, and reported', async () => {
  let posts = 0
  const fetch: typeof globalThis.fetch = async (_url, init) => {
    if (init?.method === 'POST') posts += 1
    if (init?.method === 'POST' && posts === 1) throw new TypeError('fetch failed')
    if (init?.method === 'POST') return Response.json({ id: posts, title: 'a', done: false }, { status: 201 })
    return String(_url).includes('after') || !/\/\d+$/.test(String(_url)) ? page() : new Response(null, { status: 404 })
  }
  const { db, world, backend } = await setUp({ options: { fetch } })
  const id = db.tasks.insert({ title: 'a' })
  await world.pass(600_000)
  expect([backend.outbox.failed()[0]?.failure?.kind, db.tasks.get(id)?.title]).toEqual(['forgotten', 'a'])
  expect(posts).toBeLessThanOrEqual(8)
})
