// Laws of partitions and a relay: what is sent, what is known after a restart, what others change.
import { afterEach, expect, it } from 'vitest'
import { createRelay, openMemoryLog } from '../../server/index.ts'
import { memory } from '../storage/index.ts'
import { relay } from '../sync/index.ts'
import { TestTimers } from '../table/testing/timers.ts'
import { closeAll, closers, openDatabase, rest, titles, until } from './testing/monthly-tasks.ts'

afterEach(closeAll)

it('[B7] partitions reach others through a relay, and are known, sent and there after a restart', async () => {
  const server = await createRelay({ port: 0, log: openMemoryLog() })
  closers.push(() => server.close())
  const sync = relay({ url: server.url, random: () => 0 })
  const storage = memory()
  const offline = await openDatabase({ storage })
  offline.db.tasks.insert({ id: 'early', title: 'early', month: '2026-10' })
  await offline.db.close()

  const a = await openDatabase({ storage, sync })
  expect(titles(a.db)).toEqual([])
  a.db.tasks.insert({ id: 'r', title: 'r', month: '2026-11' })
  await a.db.acknowledged()
  expect(a.db.status.unsent).toBe(0)

  const b = await openDatabase({ sync })
  for (const month of ['2026-10', '2026-11']) await b.db.tasks.open(month)
  await until(b.db, () => titles(b.db).join() === 'early,r')
  b.db.tasks.update('r', { month: '2026-10' })
  await b.db.acknowledged()
  await a.db.tasks.open('2026-10')
  await until(a.db, () => a.db.tasks.get('r')?.month === '2026-10')
  await rest(a.db, a.timers, '2026-11')
  expect(titles(a.db)).toEqual(['early', 'r'])
})

it('[B9] an edit that was made where a row has left reaches those who have only its new partition open', async () => {
  const server = await createRelay({ port: 0, log: openMemoryLog() })
  closers.push(() => server.close())
  const sync = relay({ url: server.url, random: () => 0 })
  const [a, b] = [await openDatabase({ sync }), await openDatabase({ sync })]
  a.db.tasks.insert({ id: 'r', title: 'r', month: '2026-10' })
  await a.db.acknowledged()
  await b.db.tasks.open('2026-10')
  await until(b.db, () => b.db.tasks.get('r') !== undefined)
  b.db.disconnect()
  b.db.tasks.update('r', { done: true, votes: 2 })
  a.db.tasks.update('r', { month: '2026-11', votes: 3 })
  await a.db.acknowledged()
  await rest(a.db, a.timers, '2026-10', '2026-11')
  const c = await openDatabase({ sync })
  await c.db.tasks.open('2026-11')
  await until(c.db, () => c.db.tasks.get('r')?.votes === 3)
  b.db.connect()
  await until(c.db, () => c.db.tasks.get('r')?.done === true)
  expect(c.db.tasks.get('r')).toMatchObject({ title: 'r', month: '2026-11', votes: 5 })
  expect(b.db.tasks.get('r')).toBeUndefined()
})

it('[B8] with a relay away, a partition that was written to stays open; unsent counts it', async () => {
  const sync = relay({ url: 'http://127.0.0.1:9', random: () => 0, timers: new TestTimers() })
  const { db, timers } = await openDatabase({ sync, onError: () => {} })
  db.tasks.insert({ title: 'a', month: '2026-10' })
  const read = await db.tasks.open('2026-11')
  read.close()
  await db.saved()
  for (let turn = 0; turn < 3; turn++) {
    timers.run(1000)
    await db.saved()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(titles(db)).toEqual(['a'])
  expect(db.status.unsent).toBe(1)
})
