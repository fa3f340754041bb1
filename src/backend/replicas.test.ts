// Two devices that each send what they wrote: what one of them does not know of the other. In a world of their own time.
import { expect, it } from 'vitest'
import { FakeBackend } from './testing/fake-backend.ts'
import { setUp } from './testing/setup.ts'
import { Relay, World } from './testing/world.ts'

const twoDevices = async () => {
  const world = new World(1)
  const fake = new FakeBackend({ tables: { projects: {}, tasks: {} }, now: () => world.nowMs })
  const relay = new Relay()
  const open = async () => {
    const documents = new Map()
    return { documents, ...(await setUp({ world, fake, documents })) }
  }
  const [here, there] = [await open(), await open()]
  const meet = async (...only: string[]): Promise<void> => {
    await world.settle()
    for (const { documents } of [here, there, here])
      for (const [name, document] of documents)
        if (only.length === 0 || only.includes(name)) relay.exchange(name, document)
    await world.settle()
  }
  const settle = async (): Promise<void> => {
    for (const { backend } of [here, there]) backend.resume()
    for (let round = 0; round < 4; round++) {
      await meet()
      await world.pass(60_000)
    }
  }
  const titles = () => [
    ...[here, there].map(({ db }) => db.tasks.all().map(({ title }) => title)),
    fake.live('tasks').map(({ fields }) => fields['title']),
  ]
  return { here, there, fake, world, meet, settle, titles }
}

it('[O3] a row that is deleted again by one who did not know that it was restored has its record deleted', async () => {
  const { here, there, world, meet, settle, titles } = await twoDevices()
  const id = here.db.tasks.insert({ title: 'a' })
  await world.pass(1000)
  await meet()
  for (const { backend } of [here, there]) backend.pause()
  there.db.tasks.delete(id)
  await meet()
  there.db.tasks.restore(id)
  await world.pass(10)
  here.db.transact(() => {
    here.db.tasks.restore(id)
    here.db.tasks.delete(id)
  })
  await settle()
  expect(titles()).toEqual([[], [], []])
})

it('[O3] who deletes a row that has no record yet is heard, though its maker has brought it back meanwhile', async () => {
  const { here, there, world, meet, settle, titles } = await twoDevices()
  here.backend.pause()
  const id = here.db.tasks.insert({ title: 'a' })
  await meet()
  here.db.tasks.delete(id)
  await meet('test/_ids')
  here.db.tasks.restore(id)
  await world.pass(10)
  there.db.tasks.delete(id)
  await world.pass(10)
  here.backend.resume()
  await world.pass(1000)
  expect(titles()).toEqual([['a'], [], ['a']])
  await settle()
  expect(titles()).toEqual([[], [], []])
})

it('[O3] a row that is deleted here and brought back, while others have heard that its record is gone, gets another', async () => {
  const { here, there, fake, world, meet, settle, titles } = await twoDevices()
  const id = here.db.tasks.insert({ title: 'a' })
  await world.pass(1000)
  await meet()
  there.backend.pause()
  there.db.tasks.delete(id)
  const [record] = fake.live('tasks')
  if (record) fake.touch(Object.assign(record, { isDeleted: true }))
  await world.pass(120_000)
  await meet()
  there.db.tasks.restore(id)
  await settle()
  expect(titles()).toEqual([['a'], ['a'], ['a']])
})

it('[O3] an edit of a row that others have deleted reaches the record, should somebody else bring the row back', async () => {
  const { here, there, world, meet, settle, titles } = await twoDevices()
  const id = here.db.tasks.insert({ title: 'a' })
  await world.pass(1000)
  await meet()
  here.backend.pause()
  here.db.tasks.delete(id)
  await meet()
  there.db.tasks.update(id, { title: 'b' })
  await world.pass(10)
  here.db.tasks.restore(id)
  await settle()
  expect(titles()).toEqual([['b'], ['b'], ['b']])
})
