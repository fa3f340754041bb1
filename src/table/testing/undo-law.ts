// The law of undo on one seeded schedule: no undo changes what somebody else made of a column.
import * as prng from 'lib0/prng'
import { column as c, defineSchema, table } from '../../index.ts'
import { exchange } from '../../rowlog/testing/exchange.ts'
import { openReplica, type TestReplica, testClock } from './replicas.ts'

const schema = defineSchema({ tasks: table({ title: c.string(), note: c.string().default('') }) })
type R = TestReplica<typeof schema>

const open = (clock = testClock()) => openReplica(schema, { now: clock.now })

/** Values name their writer: what a column shows says whose it is. */
export const checkUndoLaw = async (seed: number): Promise<void> => {
  const random = prng.create(seed + 1)
  const clock = testClock()
  const replicas = [await open(clock), await open(clock)]
  const ids = ['r0', 'r1']
  for (const id of ids) replicas[0]?.db.tasks.insert({ id, title: '0:start', note: '0:start' })
  await exchange(...replicas)
  for (let step = 0; step < 30; step++) {
    clock.nowMs += 600
    const at = prng.int32(random, 0, 1)
    const { db } = replicas[at] as R
    const id = prng.oneOf(random, ids)
    const dice = prng.int32(random, 0, 9)
    if (dice < 4) {
      const columns = prng.bool(random) ? ['title'] : ['title', 'note']
      db.tasks.update(id, Object.fromEntries(columns.map((column) => [column, `${at}:${step}`])))
    } else if (dice < 5) await exchange(...replicas)
    else {
      // Redo puts back this replica's own value over what its undo had put back: only undo is held to the law.
      if (dice >= 8) db.undo.redo()
      const before = ids.map((one) => db.tasks.get(one, { withDeleted: true }))
      if (dice < 8) db.undo.undo()
      for (const row of before) {
        const now = row === undefined ? undefined : db.tasks.get(row.id, { withDeleted: true })
        for (const column of ['title', 'note'] as const)
          if (row !== undefined && !row[column].startsWith(`${at}:`) && now?.[column] !== row[column])
            throw new Error(`SEED=${seed}: step ${step} turned ${row[column]} of another into ${now?.[column]}`)
      }
    }
  }
  await exchange(...replicas)
  const rows = replicas.map(({ db }) => JSON.stringify(db.tasks.all().sort((a, b) => (a.id < b.id ? -1 : 1))))
  if (rows[0] !== rows[1]) throw new Error(`SEED=${seed}: the replicas differ`)
}
