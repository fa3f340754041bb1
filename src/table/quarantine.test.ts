// Laws of the quarantine: what a schema refuses is set aside, and nothing is lost by it.
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { column as c, defineSchema, table } from '../index.ts'
import { exchange } from '../rowlog/testing/exchange.ts'
import { openReplica } from './testing/replicas.ts'

describe('quarantine', () => {
  const open = async () => {
    const loose = defineSchema({
      people: table({
        name: c.string(),
        level: c.string(),
        age: c.string(),
        tags: c.set(c.string()),
        mail: c.string(),
      }),
    })
    const strict = defineSchema({
      people: table({
        name: c.string(),
        level: c.enum(['low', 'high']),
        age: c.number().optional(),
        tags: c.set(c.enum(['a', 'b'])),
        mail: c.from(z.email()),
      }),
    })
    const [old, newer] = [await openReplica(loose), await openReplica(strict)]
    old.db.people.insert({ id: 'ok', name: 'Ann', level: 'low', age: '7', tags: ['a'], mail: 'ann@example.org' })
    old.db.people.insert({ id: 'odd', name: 'Bo', level: 'mid', age: '7', tags: ['a', 'x'], mail: 'nobody' })
    await exchange(old, newer)
    return { old, newer }
  }

  it('[Y16] a value that the schema refuses is set aside with its reason, and the row shows without it', async () => {
    const { newer } = await open()
    expect(newer.db.people.get('odd')).toMatchObject({ name: 'Bo', level: undefined, tags: ['a'], mail: undefined })
    const values = newer.db.quarantine.list()
    expect(values.map(({ table: name, id, column, raw }) => [name, id, column, raw])).toEqual([
      ['people', 'ok', 'age', '7'],
      ['people', 'odd', 'level', 'mid'],
      ['people', 'odd', 'age', '7'],
      ['people', 'odd', 'tags', ['a', 'x']],
      ['people', 'odd', 'mail', 'nobody'],
    ])
    expect(values[1]?.reason).toContain('"low", "high"')
    expect(values[4]?.reason).toContain('email')
  })

  it('[Y17] writes of other columns leave it as it is, one of its own repairs it, and subscribers hear', async () => {
    const { old, newer } = await open()
    const heard = vi.fn()
    const stop = newer.db.quarantine.subscribe((values) => heard(values.length))
    newer.db.people.update('ok', (draft) => {
      draft.name = 'Anna'
    })
    await exchange(old, newer)
    expect(old.db.people.get('ok')).toMatchObject({ name: 'Anna', age: '7' })
    newer.db.people.update('odd', { level: 'high', age: 7, tags: ['b'], mail: 'bo@example.org' })
    newer.db.people.update('ok', { age: undefined })
    expect(newer.db.quarantine.list()).toEqual([])
    await exchange(old, newer)
    old.db.people.update('odd', { level: 'mid' })
    await exchange(old, newer)
    expect(heard.mock.calls.flat()).toEqual([5, 0, 1])
    newer.db.people.delete('odd')
    expect(newer.db.quarantine.list()).toEqual([])
    stop()
    newer.db.people.restore('odd')
    await newer.db.saved()
    expect([heard.mock.calls.length, newer.db.quarantine.list().length]).toEqual([3, 1])
  })

  it('[Y18] a validator that would refuse its own output is refused at the first write, unless told what is stored', () => {
    const length = z.string().transform((text) => text.length)
    const schema = table({ size: c.from(length) })
    expect(() => schema.storeInsert('t', { size: 'four' })).toThrow('c.from(schema, { stored: outputSchema })')
    const told = c.from(length, { stored: z.number() })
    expect(table({ size: told }).storeInsert('t', { size: 'four' }).values).toEqual([4])
    expect([told.type.read(4), told.type.read('four')]).toEqual([4, undefined])
  })

  it('[Y19] rows from before a column show its fixed default; counters 0, sets none', async () => {
    const old = await openReplica(defineSchema({ tasks: table({ title: c.string() }) }))
    const newer = await openReplica(
      defineSchema({
        tasks: table({
          title: c.string(),
          level: c.number().default(3),
          votes: c.counter(),
          labels: c.set(c.string()),
        }),
      }),
    )
    old.db.tasks.insert({ id: 't', title: 'a' })
    await exchange(old, newer)
    expect(newer.db.tasks.get('t')).toMatchObject({ level: 3, votes: 0, labels: [] })
    newer.db.tasks.update('t', (draft) => {
      draft.votes++
    })
    expect([newer.db.tasks.get('t')?.votes, newer.db.quarantine.list()]).toEqual([1, []])
  })
})
