// Databases whose rows show before their documents are whole.
import { expect, it } from 'vitest'
import { column as c, createDatabase, type Database, defineSchema, table } from './index.ts'
import { RowLog, scratchDocuments } from './rowlog/index.ts'
import { StampClock } from './stamp.ts'
import { memory } from './storage/index.ts'
import type { StorageAdapter } from './storage/port.ts'
import { createTestNetwork } from './sync/in-process.ts'
import type { SyncAdapter } from './sync/port.ts'
import { TestTimers } from './table/testing/timers.ts'

const schema = defineSchema({ notes: table({ text: c.string() }) })

/** A store of a table that 300 runs have written to. */
const storeOfManyRuns = async (): Promise<StorageAdapter> => {
  const log = new RowLog({ replica: 'old.0', author: undefined, clock: new StampClock(() => 1_600_000_000_000) })
  log.stage('n', true, ['text'], ['first'])
  for (let run = 1; run <= 300; run++) {
    log.document.clientID = run
    log.stage('n', false, ['text'], [`run ${run}`])
    log.commit()
    log.seal()
  }
  const storage = memory()
  const store = await storage.open({ database: 'test', scratch: scratchDocuments })
  await store.append([{ document: 'notes', update: log.encode() }])
  await store.close()
  return storage
}

const openOld = async (
  options: { readonly sync?: SyncAdapter } = {},
): Promise<{ db: Database<typeof schema>; timers: TestTimers }> => {
  const timers = new TestTimers()
  const storage = await storeOfManyRuns()
  return { db: await createDatabase({ name: 'test', schema, storage, timers, ...options }), timers }
}

it('[K24] rows can be read, written and stored before their document is whole', async () => {
  const { db } = await openOld()
  const row = db.notes.get('n')
  expect(row?.text).toBe('run 300')
  const heard: unknown[] = []
  db.notes.subscribe((changes) => heard.push(changes))
  db.notes.update('n', { text: 'new' })
  await db.saved()
  expect([db.notes.get('n')?.text, heard.length]).toEqual(['new', 1])
  expect(db.stats().notes.rows).toBe(1)
  await db.close()
})

it('[K24] a document is whole soon after the opening, the rows being the same objects', async () => {
  const { db, timers } = await openOld()
  const row = db.notes.get('n')
  timers.run(200)
  expect(db.notes.get('n')).toBe(row)
  await db.close()
})

it('[K24] a document takes part in synchronisation once it is whole, and acknowledged() and synced() wait for that', async () => {
  const network = createTestNetwork()
  const { db } = await openOld(network)
  const other = await createDatabase({ name: 'test', schema, sync: network.sync })
  await network.exchange()
  expect(other.notes.get('n')).toBeUndefined()
  const acknowledged = db.acknowledged()
  await network.exchange()
  await acknowledged
  expect(other.notes.get('n')?.text).toBe('run 300')
  other.notes.update('n', { text: 'of the other' })
  await network.exchange()
  expect(db.notes.get('n')?.text).toBe('of the other')
  expect([db.status.unsent, db.status.refused]).toEqual([0, 0])
  await Promise.all([db.close(), other.close()])
})
