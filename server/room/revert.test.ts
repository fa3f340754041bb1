// Restoring: what was written since is undone by operations that merge, in tables and in any other document.
import * as prng from 'lib0/prng'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { column as c, createDatabase, defineSchema, table } from '../../src/index.ts'
import { relay } from '../../src/sync/index.ts'
import { openMemoryLog } from '../log/memory.ts'
import { startRelay } from '../testing/relay.ts'
import { stockClient } from '../testing/stock-client.ts'
import { waitUntil } from '../testing/wait.ts'
import { createHub } from './hub.ts'
import { revertUpdate } from './revert.ts'
import { createSnapshotter } from './snapshotter.ts'

const options = { replica: 'restore.1', now: Date.now }
const stateOf = (doc: Y.Doc) => Y.encodeStateAsUpdate(doc)
const hubOf = (log = openMemoryLog()) => {
  const snapshotter = createSnapshotter()
  return { log, hub: createHub({ log, snapshotter, logger: () => {} }), close: () => snapshotter.close() }
}

/** One random edit of a document with a text, a map, a list and nested types. */
const edit = (gen: prng.PRNG, doc: Y.Doc): void => {
  const [text, map, list] = [doc.getText('text'), doc.getMap<unknown>('map'), doc.getArray<unknown>('list')]
  const place = (length: number) => prng.int32(gen, 0, length)
  const key = `k${prng.int32(gen, 0, 4)}`
  switch (prng.int32(gen, 0, 6)) {
    case 0:
      return text.insert(place(text.length), prng.word(gen))
    case 1:
      return text.length === 0 ? undefined : text.delete(place(text.length - 1), 1)
    case 2:
      return void map.set(key, prng.word(gen))
    case 3:
      return map.delete(key)
    case 4:
      return list.insert(place(list.length), [new Y.Map([['n', prng.int32(gen, 0, 99)]]), prng.word(gen)])
    case 5:
      return list.length === 0 ? undefined : list.delete(place(list.length - 1), 1)
    default: {
      const inner = list.toArray().find((part) => part instanceof Y.Map)
      return void (inner as Y.Map<unknown> | undefined)?.set(key, prng.word(gen))
    }
  }
}
const show = (doc: Y.Doc) => [doc.getText('text').toJSON(), doc.getMap('map').toJSON(), doc.getArray('list').toJSON()]

it('[O1] a document says again what it said then, for everyone, with what they write meanwhile', () => {
  const first = Number(process.env['SEED'] ?? prng.int32(prng.create(Date.now()), 0, 1e6))
  for (let seed = first; seed < first + (process.env['SEED'] ? 1 : 60); seed++) {
    const gen = prng.create(seed + 1)
    const [ann, ben] = [new Y.Doc(), new Y.Doc()]
    const meet = () => {
      Y.applyUpdate(ann, stateOf(ben))
      Y.applyUpdate(ben, stateOf(ann))
    }
    const work = (edits: number) => {
      for (let n = 0; n < edits; n++) edit(gen, prng.bool(gen) ? ann : ben)
      meet()
    }
    work(20)
    const then = show(ann)
    const former = stateOf(ann)
    work(prng.int32(gen, 1, 30))
    const update = revertUpdate([stateOf(ann)], former, options)
    const meanwhile = ben.getArray('late')
    meanwhile.push(['kept'])
    Y.applyUpdate(ann, update)
    expect([`SEED=${seed}`, show(ann)]).toEqual([`SEED=${seed}`, then])
    Y.applyUpdate(ben, update)
    meet()
    expect([show(ann), show(ben), ann.getArray('late').toJSON()]).toEqual([then, then, ['kept']])
  }
})

it('[O2] a table says again what it said then: values, deleted and new rows, counters and sets', async () => {
  const { url } = await startRelay()
  const schema = defineSchema({
    tasks: table({ title: c.string(), note: c.string().optional(), votes: c.counter(), labels: c.set(c.string()) }),
  })
  const open = () => createDatabase({ name: 'acme', schema, sync: relay({ url }) })
  const [ann, ben] = [await open(), await open()]
  const kept = ann.tasks.insert({ title: 'A', labels: ['x', 'y'] })
  const gone = ann.tasks.insert({ title: 'B' })
  ann.tasks.update(kept, (draft) => {
    draft.votes += 2
  })
  await ann.acknowledged()
  const shown = () =>
    ben.tasks
      .all()
      .map(({ id, title, note, votes, labels }) => ({ id, title, note, votes, labels }))
      .sort((a, b) => (a.id < b.id ? -1 : 1))
  await waitUntil('ben has both', () => shown().length === 2 && ben.tasks.get(kept)?.votes === 2)
  const then = shown()
  const response = await fetch(`${url}/v1/docs/acme/tasks`)
  const upTo = Number(response.headers.get('merrow-sequence'))
  ben.tasks.update(kept, { title: 'changed', note: 'new', labels: ['y', 'z'] })
  ben.tasks.update(kept, (draft) => {
    draft.votes += 5
  })
  ben.tasks.delete(gone)
  ben.tasks.insert({ title: 'C' })
  await ben.acknowledged()
  const restored = await fetch(`${url}/v1/history/acme/tasks?restore=${upTo}`, { method: 'POST' })
  expect(restored.status).toBe(200)
  await waitUntil('ben sees it as it was', () => JSON.stringify(shown()) === JSON.stringify(then))
  await waitUntil('ann too', () => ann.tasks.get(gone)?.title === 'B' && ann.tasks.all().length === 2)
  await Promise.all([ann.close(), ben.close()])
})

it('[O3] what a document held before it was restored is kept as a snapshot, so that restoring can be taken back', async () => {
  const { hub, log, close } = hubOf()
  const doc = new Y.Doc()
  doc.getText('t').insert(0, 'one')
  await log.append('d', [stateOf(doc)])
  const first = await hub.keeper.current('d')
  const before = Y.encodeStateVector(doc)
  doc.getText('t').insert(3, ' two')
  await log.append('d', [Y.encodeStateAsUpdate(doc, before)])
  await hub.restore('d', first?.upTo ?? 0)
  const textOf = async () => {
    const now = new Y.Doc()
    Y.applyUpdate(now, (await (await hub.keeper.current('d'))?.state()) ?? new Uint8Array())
    return now.getText('t').toString()
  }
  expect(await textOf()).toBe('one')
  await hub.restore('d', (await log.snapshots('d'))[1]?.upTo ?? 0)
  expect(await textOf()).toBe('one two')
  await expect(hub.restore('d', 99)).rejects.toMatchObject({ code: 'invalid_argument' })
  await close()
})

it('[O4] members of a document that is deleted are closed for good, and it does not come back', async () => {
  const { url } = await startRelay()
  const ann = stockClient(url, 'acme/notes')
  await waitUntil('ann is synced', () => ann.provider.synced)
  ann.text.insert(0, 'secret')
  const state = async () => (await fetch(`${url}/v1/docs/acme/notes`)).status
  let closed = 0
  ann.provider.on('connection-close', (event: { code: number } | null) => {
    closed = event?.code ?? 0
  })
  while ((await state()) !== 200) await new Promise((resolve) => setTimeout(resolve, 5))
  expect((await fetch(`${url}/v1/docs/acme/notes`, { method: 'DELETE' })).status).toBe(204)
  await waitUntil('ann is closed', () => closed === 4404)
  expect([await state(), ann.provider.shouldConnect]).toEqual([410, false])
  const ben = stockClient(url, 'acme/notes')
  ben.provider.on('connection-close', (event: { code: number } | null) => {
    closed = (event?.code ?? 0) + 1
  })
  await waitUntil('ben is closed', () => closed === 4405)
})
