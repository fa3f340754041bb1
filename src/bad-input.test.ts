// Laws of what a broken peer, app or clock may put into a table: it is reported and set aside, and the rest of the table works.
import { describe, expect, it, vi } from 'vitest'
import * as Y from 'yjs'
import { packId } from './ids.ts'
import { column as c, defineSchema, MerrowError, table } from './index.ts'
import { stampAt } from './stamp.ts'
import { openReplica, testClock } from './table/testing/replicas.ts'

const schema = defineSchema({
  tasks: table({
    title: c.string().default(''),
    labels: c.set(c.string()),
    votes: c.counter(),
    asked: c.string({ conflict: 'ask' }).optional(),
    best: c.number({ merge: Math.max }).default(0),
    dueAt: c.date().optional(),
    meta: c.json().optional(),
  }),
})
const clock = testClock()
const header = { format: 1, replica: 'peer.0', author: 'mallory', since: stampAt(clock.nowMs - 1000) }
const insertShape = { shape: ['title'], insert: true }

/** A replica with a row, to which a stranger's segment comes while it is open. */
const attacked = async (...elements: unknown[]) => {
  const onError = vi.fn()
  const replica = await openReplica(schema, { now: clock.now, onError })
  const { db, documents } = replica
  db.tasks.insert({ id: 'own', title: 'own' })
  await db.saved()
  const stranger = new Y.Doc()
  stranger.getArray('log').push([Y.Array.from(elements as object[])])
  const update = Y.encodeStateAsUpdate(stranger)
  const receive = () => Y.applyUpdate(documents.get('test/tasks') as Y.Doc, update, 'peer')
  return { ...replica, receive, onError }
}

/** The rest of the table reads, writes, queries, undoes and saves. */
const expectWorking = async ({ db }: Pick<Awaited<ReturnType<typeof attacked>>, 'db'>): Promise<void> => {
  db.tasks.update('own', { title: 'changed', labels: ['x'], votes: 1 })
  const id = db.tasks.insert({ title: 'new' })
  await db.saved()
  expect([db.tasks.get('own')?.title, db.tasks.get(id)?.title]).toEqual(['changed', 'new'])
  expect(db.tasks.where({ title: 'changed' }).count()).toBe(1)
  expect([db.conflicts.list().length, db.status.unsaved]).toEqual([0, 0])
  expect(db.stats().tasks.rows).toBeGreaterThanOrEqual(2)
}

describe('a broken peer', () => {
  it.each([
    [
      'elements that are no patch',
      ['text', 5, null, {}, { sealed: 'no' }, { shape: ['a', 'a'] }, [], [0], [0, 5, 0, 1]],
      9,
    ],
    [
      'patches without their shape or id',
      [
        [7, packId('r'), 0, 1],
        [0, '!', 0, 1],
        [0, packId('r'), -1, 1],
      ],
      3,
    ],
    [
      'patches too short or too long',
      [
        [0, packId('r'), 0],
        [0, packId('r'), 0, 'a', 'b'],
      ],
      2,
    ],
  ])('[K9] %s are counted and left', async (_what, nonsense, refused) => {
    const replica = await attacked(header, insertShape, [0, packId('good'), 0, 'good'], ...nonsense)
    replica.receive()
    expect([replica.db.tasks.get('good')?.title, replica.db.status.refused]).toEqual(['good', refused])
    await expectWorking(replica)
  })

  it('[K10] a segment of a later format is kept, and counted once', async () => {
    const replica = await attacked({ ...header, format: 99 }, { anything: 1 }, [0, packId('r'), 0, 1])
    replica.receive()
    await expectWorking(replica)
    expect(replica.db.stats().tasks).toMatchObject({ refused: 1, rows: 2 })
    const kept = replica.documents.get('test/tasks')?.getArray<Y.Array<unknown>>('log').toArray()
    expect(kept?.some((list) => list instanceof Y.Array && list.length === 3)).toBe(true)
  })

  const fields: readonly (readonly [string, unknown])[] = [
    ['labels', 'no list'],
    ['labels:', true],
    ['labels: "x"', true],
    ['constructor', 1],
    ['labels:{no json', true],
    ['labels:5', true],
    ['votes', 'many'],
    ['votes:peer.0', { a: 1 }],
    ['asked~', 'knew nothing'],
    ['asked~', [1, 2]],
    ['best', 'highest'],
    ['best~', { no: 'list' }],
    ['dueAt', 1e300],
    ['dueAt', 'tomorrow'],
    ['deletedAt', 'yesterday'],
    ['createdAt', 'never'],
    ['id', 'another'],
    ['updatedBy', 7],
    ['$version', 'latest'],
    ['__proto__', { polluted: true }],
    ['title', { toString: 1 }],
    ['minVersion:7', true],
  ]
  it.each(fields)(
    '[R10] a value of the wrong kind in field %s, %j, harms no other row, and its own can be read and mended',
    async (field, value) => {
      const replica = await attacked(
        header,
        insertShape,
        { shape: [field], insert: false },
        [0, packId('bad'), 0, 'bad'],
        [1, packId('bad'), 1, value],
      )
      replica.receive()
      const { db } = replica
      expect(db.tasks.get('bad')?.id).toBe('bad')
      expect(db.tasks.all().map(({ id }) => id)).toEqual(['own', 'bad'])
      expect([db.tasks.history('bad').length > 0, db.tasks.meta('bad')?.delivery]).toEqual([true, 'none'])
      db.quarantine.list()
      const whole = { title: 'mended', labels: ['y'], asked: 'a', best: 1, dueAt: new Date(5), meta: { a: 1 } }
      db.tasks.update('bad', { ...whole, votes: 3 })
      expect(db.tasks.get('bad')).toMatchObject({ title: 'mended', asked: 'a', best: 1, meta: { a: 1 } })
      expect([db.tasks.get('bad')?.labels, db.tasks.get('bad')?.votes]).toEqual([['y'], 3])
      expect(db.quarantine.list()).toEqual([])
      db.tasks.delete('bad')
      await expectWorking(replica)
    },
  )

  it('[R10] JSON nested thousands deep is shown or set aside, and harms no other row', async () => {
    for (const depth of [100, 1000, 3000]) {
      let deep: unknown = 1
      for (let at = 0; at < depth; at++) deep = [deep]
      const replica = await attacked(header, { shape: ['meta'], insert: true }, [0, packId('deep'), 0, deep])
      replica.receive()
      expect(replica.db.tasks.get('deep')?.id).toBe('deep')
      await expectWorking(replica)
    }
  })
})

describe('the app itself', () => {
  it('[S3] cyclic and huge JSON is refused, nothing of it written, and the rest works', async () => {
    const replica = await attacked()
    const { db } = replica
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    let deep: unknown = 1
    for (let at = 0; at < 100_000; at++) deep = [deep]
    for (const meta of [cycle, new Array(1_000_001).fill(0), deep, 'x'.repeat(1_000_001)])
      expect(() =>
        db.transact(() => {
          db.tasks.insert({ title: 'with it' })
          db.tasks.update('own', { meta: meta as never })
        }),
      ).toThrow(MerrowError)
    expect(db.tasks.all().map(({ title }) => title)).toEqual(['own'])
    await expectWorking(replica)
  })
})
