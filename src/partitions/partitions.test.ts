// Laws of what is open: which rows show, when a partition opens and closes, what is a key.
import { afterEach, expect, it } from 'vitest'
import { codeOf } from '../schema/testing/thrown.ts'
import { PassiveServer } from '../table/testing/passive-server.ts'
import { closeAll, filled, openDatabase, rest, titles } from './testing/monthly-tasks.ts'

afterEach(closeAll)

it('[B1] the rows of open partitions are one table; a partition shows once it is opened', async () => {
  const { db } = await openDatabase({ storage: await filled() })
  expect(titles(db)).toEqual([])
  await db.tasks.open('2026-11')
  expect(titles(db)).toEqual(['2026-11'])
  await db.tasks.open('2026-12')
  expect(titles(db)).toEqual(['2026-11', '2026-12'])
  expect(db.tasks.where({ month: '2026-12' }).count()).toBe(1)
  expect(db.tasks.get('2026-10')).toBeUndefined()
  expect(db.tasks.partitions()).toEqual([
    { key: '2026-10', isOpen: false },
    { key: '2026-11', isOpen: true },
    { key: '2026-12', isOpen: true },
  ])
})

it('[B1] subscribers and live queries hear of rows that come and go, hooks do not', async () => {
  const { db, timers } = await openDatabase({ storage: await filled() })
  const heard: string[] = []
  const results: number[] = []
  let hooked = 0
  db.tasks.subscribe(({ origin, added, removed }) => heard.push(`${origin} +${added.length} -${removed.length}`))
  db.tasks.where({ done: false }).subscribe(({ rows }) => results.push(rows.length))
  db.tasks.after('write', () => {
    hooked += 1
  })
  const handle = await db.tasks.open('2026-11')
  handle.close()
  await rest(db, timers, '2026-11')
  expect(heard).toEqual(['partition +1 -0', 'partition +0 -1'])
  expect(results).toEqual([0, 1, 0])
  expect(hooked).toBe(0)
})

it('[B2] a partition closes once nobody holds it and nothing is written to it for a while, and opens again as it was', async () => {
  const { db, timers } = await openDatabase({ storage: await filled() })
  const [one, two] = [await db.tasks.open('2026-11'), await db.tasks.open('2026-11')]
  one.close()
  one.close()
  timers.run(5000)
  await db.saved()
  expect(titles(db)).toEqual(['2026-11'])
  db.tasks.update('2026-11', { title: 'late' })
  two.close()
  timers.run(900)
  db.tasks.update('2026-11', { done: true })
  await db.saved()
  timers.run(900)
  expect(titles(db)).toEqual(['late'])
  await rest(db, timers, '2026-11')
  expect(titles(db)).toEqual([])
  await db.tasks.open('2026-11')
  expect(db.tasks.get('2026-11')).toMatchObject({ title: 'late', done: true })
})

it('[B2] what is written in the moment of closing keeps a partition open', async () => {
  const line = new PassiveServer().line()
  const { db, timers } = await openDatabase({ sync: line.sync })
  db.tasks.insert({ id: 'r', title: 'a', month: '2026-11' })
  await db.saved()
  line.exchange()
  timers.run(1000)
  await new Promise((resolve) => setImmediate(resolve))
  line.exchange() // acknowledges the end of the segment: now it closes
  db.tasks.update('r', { title: 'b' })
  await new Promise((resolve) => setImmediate(resolve))
  expect(titles(db)).toEqual(['b'])
  line.exchange()
  timers.run(1000)
  await new Promise((resolve) => setImmediate(resolve))
  line.exchange()
  await new Promise((resolve) => setImmediate(resolve))
  expect(titles(db)).toEqual([])
  await db.tasks.open('2026-11')
  expect(titles(db)).toEqual(['b'])
})

it('[B3] what is no key is refused, whoever gives it, and nothing is written', async () => {
  const { db } = await openDatabase()
  for (const key of ['', 'x'.repeat(101), '\ud800', 7])
    await expect(db.tasks.open(key as string)).rejects.toMatchObject({ code: 'invalid_argument' })
  expect(codeOf(() => db.tasks.insert({ title: 'a', month: '' }))).toBe('invalid_value')
  const id = db.tasks.insert({ title: 'a' })
  expect(codeOf(() => db.tasks.update(id, { title: 'b', month: '' }))).toBe('invalid_value')
  expect(db.tasks.all()).toMatchObject([{ title: 'a', month: '2026-11' }])
  for (const month of ['..', '../x', 'Ü/ß ~%', '😀'])
    expect(db.tasks.get(db.tasks.insert({ title: month, month }))?.month).toBe(month)
  await db.saved()
})
