// Rows of which more than one record was made: shown to the user, who says which one stays. Two senders of one row, in a world of their own time.
import { expect, it } from 'vitest'
import { FakeBackend } from './testing/fake-backend.ts'
import { setUp } from './testing/setup.ts'
import { Relay, World } from './testing/world.ts'

it('[O28] a row of which two records were made is in db.conflicts, and has the one that is chosen', async () => {
  const world = new World(1)
  const fake = new FakeBackend({ tables: { projects: {}, tasks: {} }, now: () => world.nowMs, heedsKeys: false })
  const relay = new Relay()
  const open = async (isBridge: boolean) => {
    const documents = new Map()
    return { documents, ...(await setUp({ world, fake, documents, options: { isBridge } })) }
  }
  const [device, bridge] = [await open(false), await open(true)]
  const meet = (): void => {
    for (const { documents } of [device, bridge, device])
      for (const [name, document] of documents) relay.exchange(name, document)
  }
  const id = device.db.tasks.insert({ title: 'One' })
  await world.settle()
  meet()
  await world.pass(2000)
  expect(fake.live('tasks').length).toBe(2)
  meet()
  await world.pass(1000)
  const [first, second] = fake.live('tasks').map((record) => record.id)
  for (const { db, backend } of [device, bridge]) {
    expect(backend.problems().map(({ kind, row }) => [kind, row])).toEqual([['twice', id]])
    const [conflict, ...others] = db.conflicts.list()
    expect([conflict?.table, conflict?.id, conflict?.column, others]).toEqual(['tasks', id, 'remoteId', []])
    expect(conflict?.writes.map(({ value }) => value)).toEqual([first, second])
  }
  device.db.conflicts.resolve(device.db.conflicts.list()[0] as never, 'theirs')
  meet()
  await world.pass(60_000)
  for (const { db } of [device, bridge])
    expect([db.conflicts.list(), db.ids.remote('tasks', id), db.tasks.all().length]).toEqual([[], second, 1])
})
