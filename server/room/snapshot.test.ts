// Snapshots: when they are made, what they keep, and what happens when they cannot be made.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import * as Y from 'yjs'
import { openMemoryLog } from '../log/memory.ts'
import type { Log, StoredSnapshot } from '../log/port.ts'
import { editsOf, joinAs, step1Frame, updateFrame } from '../testing/member.ts'
import { noSnapshotter } from '../testing/no-snapshotter.ts'
import { waitUntil } from '../testing/wait.ts'
import { createHub } from './hub.ts'
import { createSnapshotter, type Snapshotter } from './snapshotter.ts'

const setup = (snapshotter: Snapshotter, log: Log = openMemoryLog(), now = Date.now) => {
  const reports: string[] = []
  const logger = (level: string, message: string) => void reports.push(`${level}: ${message}`)
  const hub = createHub({ log, snapshotter, logger, snapshotAfterUpdates: 10, now })
  onTestFinished(() => snapshotter.close())
  return { hub, log, reports }
}

const put = (key: string) => (doc: Y.Doc) => void doc.getMap('m').set(key, key)
const stored = async (log: Log, upTo: number) => {
  while (((await log.read('d')).snapshot?.upTo ?? 0) < upTo) await new Promise((resolve) => setTimeout(resolve, 5))
}
const tailOf = async (log: Log) => (await log.read('d')).entries.length

/** Sends edits and waits until they are acknowledged. */
const send = async (member: ReturnType<typeof joinAs>, updates: readonly Uint8Array[]) => {
  const count = (member.acknowledged.at(-1) ?? 0) + updates.length
  for (const update of updates) member.membership.receive(updateFrame(update))
  await waitUntil('all are acknowledged', () => member.acknowledged.at(-1) === count)
}

const answerTo = async (hub: ReturnType<typeof createHub>, has: Y.Doc) => {
  const joiner = joinAs(hub, 'd')
  joiner.membership.receive(step1Frame(has))
  await waitUntil('the answer comes', () => joiner.bytes.some((bytes) => bytes[0] === 0 && bytes[1] === 1))
  for (const frame of joiner.frames) if (frame.kind === 'update') Y.applyUpdate(has, frame.update)
  return has
}

describe('with the worker', () => {
  it('[R17] trims the log by a snapshot, and joiners still get everything', async () => {
    const { hub, log } = setup(createSnapshotter())
    const doc = new Y.Doc()
    const author = joinAs(hub, 'd')
    await send(author, editsOf(doc, ...Array.from({ length: 10 }, (_, n) => put(`k${n}`))))
    await stored(log, 10)
    expect(await tailOf(log)).toBe(0)
    await send(author, editsOf(doc, put('last')))
    const joiner = await answerTo(hub, new Y.Doc())
    expect(joiner.getMap('m').toJSON()).toEqual(doc.getMap('m').toJSON())
  })

  it('[R17] rests for twenty times what the last snapshot took', async () => {
    let now = 0
    const snapshotter = createSnapshotter()
    const slow: Snapshotter = {
      ...snapshotter,
      async make(updates) {
        const made = await snapshotter.make(updates)
        now += 100
        return made
      },
    }
    const { hub, log } = setup(slow, openMemoryLog(), () => now)
    const doc = new Y.Doc()
    const author = joinAs(hub, 'd')
    const write = (count: number) => send(author, editsOf(doc, ...Array.from({ length: count }, (_, n) => put(`${n}`))))
    await write(10)
    await stored(log, 10)
    now = 100 + 1999
    await write(20)
    expect(await tailOf(log)).toBe(20)
    now = 100 + 2000
    await write(1)
    await stored(log, 31)
  })

  it('[R17] rests for a second between two snapshots, unless the tail grows to ten times what is due', async () => {
    let now = 0
    const { hub, log } = setup(createSnapshotter(), openMemoryLog(), () => now)
    const doc = new Y.Doc()
    const author = joinAs(hub, 'd')
    const write = (count: number) => send(author, editsOf(doc, ...Array.from({ length: count }, (_, n) => put(`${n}`))))
    await write(10)
    await stored(log, 10)
    now = 999
    await write(99)
    expect(await tailOf(log)).toBe(99)
    await write(1)
    await stored(log, 110)
    now = 2000
    await write(10)
    await stored(log, 120)
  })

  it('[R18] brings deletes that a snapshot holds to a joiner who has all of its clocks', async () => {
    const { hub, log } = setup(createSnapshotter())
    const doc = new Y.Doc()
    const behind = new Y.Doc()
    const author = joinAs(hub, 'd')
    const edits = editsOf(doc, ...Array.from({ length: 9 }, (_, n) => put(`k${n}`)))
    for (const update of edits) Y.applyUpdate(behind, update)
    await send(author, [...edits, ...editsOf(doc, (d) => d.getMap('m').delete('k3'))])
    await stored(log, 10)
    await answerTo(hub, behind)
    expect(behind.getMap('m').has('k3')).toBe(false)
  })

  it('[R19] keeps in a snapshot the edits whose predecessors have not come yet', async () => {
    const snapshotter = createSnapshotter()
    onTestFinished(() => snapshotter.close())
    const doc = new Y.Doc()
    const [first, second] = editsOf(doc, put('a'), put('b'))
    const made = await snapshotter.make([second ?? Uint8Array.of()])
    expect([...made.stateVector]).toEqual([0])
    const again = new Y.Doc()
    for (const update of [made.state, first ?? Uint8Array.of()]) Y.applyUpdate(again, update)
    expect(again.getMap('m').toJSON()).toEqual({ a: 'a', b: 'b' })
  })

  it('[R25] reads a snapshot once for all who lack a part of it, and then the part alone', async () => {
    const memory = openMemoryLog()
    const reads: string[] = []
    const log: Log = {
      ...memory,
      async read(document) {
        const content = await memory.read(document)
        const { snapshot } = content
        if (document !== 'd' || snapshot === undefined) return content
        const counting: StoredSnapshot = {
          ...snapshot,
          state: () => {
            reads.push('state')
            // Held by nobody: it goes with the next collection.
            return snapshot.state()
          },
        }
        return { ...content, snapshot: counting, entries: content.entries, upTo: content.upTo, packed: content.packed }
      },
    }
    const { hub } = setup(createSnapshotter(), log)
    const [doc, behind, further] = [new Y.Doc(), new Y.Doc(), new Y.Doc()]
    const author = joinAs(hub, 'd')
    const large = (n: number) => (edited: Y.Doc) => void edited.getMap('m').set(`k${n}`, 'x'.repeat(20_000))
    const edits = editsOf(doc, ...Array.from({ length: 10 }, (_, n) => large(n)))
    for (const update of edits.slice(0, 3)) Y.applyUpdate(behind, update)
    for (const update of edits.slice(0, 8)) Y.applyUpdate(further, update)
    await send(author, edits)
    await stored(log, 10)
    const bytes = async (has: Y.Doc) => {
      const joiner = joinAs(hub, 'd')
      joiner.membership.receive(step1Frame(has))
      await waitUntil('the answer comes', () => joiner.bytes.some((frame) => frame[0] === 0 && frame[1] === 1))
      for (const frame of joiner.frames) if (frame.kind === 'update') Y.applyUpdate(has, frame.update)
      return joiner.bytes.reduce((sum, { length }) => sum + length, 0)
    }
    const [most, some, none] = [await bytes(behind), await bytes(further), await bytes(behind)]
    expect([behind.getMap('m').size, further.getMap('m').size, reads]).toEqual([10, 10, ['state']])
    expect([most > 140_000, most < 141_000, some > 40_000, some < 41_000, none < 100]).toEqual(Array(5).fill(true))
  })

  it('[R26] compares a large document with what is said again', async () => {
    const { hub, log } = setup(createSnapshotter())
    const [doc, copy] = [new Y.Doc(), new Y.Doc()]
    const author = joinAs(hub, 'd')
    const large = (n: number) => (edited: Y.Doc) => void edited.getMap('m').set(`k${n}`, 'x'.repeat(20_000))
    const edits = editsOf(doc, ...Array.from({ length: 12 }, (_, n) => large(n)))
    await send(author, edits)
    await stored(log, 12)
    await send(author, [...edits.slice(3, 4), ...editsOf(doc, put('a'), put('b'))])
    for (const update of edits.slice(0, 5)) Y.applyUpdate(copy, update)
    copy.clientID = doc.clientID
    const copied = joinAs(hub, 'd')
    for (const update of editsOf(copy, put('other'))) copied.membership.receive(updateFrame(update))
    await waitUntil('it is told', () => copied.closed !== undefined)
    expect([copied.closed?.code, copied.closed?.reason]).toEqual([4410, expect.stringContaining('at clock 5')])
    expect(author.closed).toBe(undefined)
  })

  it('[R26] what is said again of a long list is no fork, and something else in its midst is', async () => {
    const { hub, log } = setup(createSnapshotter())
    const [doc, copy] = [new Y.Doc(), new Y.Doc()]
    const author = joinAs(hub, 'd')
    const rows = Array.from({ length: 100 }, (_, n) => ({ n, text: 'so long that it takes some room' }))
    const edits = editsOf(doc, ...Array.from({ length: 20 }, () => (d: Y.Doc) => d.getArray('rows').insert(0, rows)))
    await send(author, edits)
    await stored(log, 20)
    const whole = Y.encodeStateAsUpdate(doc)
    const from = (clock: number) => Y.diffUpdate(whole, Y.encodeStateVector(new Map([[doc.clientID, clock]])))
    await send(author, [...edits.slice(3, 5), from(0), from(777), from(1999)])
    for (const update of edits.slice(0, 10)) Y.applyUpdate(copy, update)
    copy.clientID = doc.clientID
    const copied = joinAs(hub, 'd')
    for (const update of editsOf(copy, (d) => d.getArray('rows').push(['other'])))
      copied.membership.receive(updateFrame(update))
    await waitUntil('it is told', () => copied.closed !== undefined)
    expect([copied.closed?.code, copied.closed?.reason]).toEqual([4410, expect.stringContaining('at clock 1000')])
    expect(author.closed).toBe(undefined)
  })

  it('[R20] refuses updates that do not load, and makes the next snapshot all the same', async () => {
    const snapshotter = createSnapshotter()
    onTestFinished(() => snapshotter.close())
    await expect(snapshotter.make([Uint8Array.of(1, 1, 200)])).rejects.toThrow()
    const [update] = editsOf(new Y.Doc(), put('a'))
    expect((await snapshotter.make([update ?? Uint8Array.of()])).state.length).toBeGreaterThan(2)
  })
})

describe('without it', () => {
  it('[R21] the worker runs whatever Node was told of the program itself', async () => {
    const module = new URL('./snapshotter.ts', import.meta.url).href
    const program = `import { createSnapshotter } from '${module}'
      const snapshotter = createSnapshotter()
      const { state } = await snapshotter.make([Uint8Array.of(0, 0)])
      console.log(state.length)
      await snapshotter.close()`
    const args = ['--import', 'tsx', '--input-type=module', '-e', program]
    expect((await promisify(execFile)(process.execPath, args)).stdout).toBe('2\n')
  })

  it('[R21] replaces a worker that dies or hangs', async () => {
    const url = (code: string) => new URL(`data:text/javascript,${encodeURIComponent(code)}`)
    const dying = createSnapshotter({ worker: url('process.exit(3)') })
    const hanging = createSnapshotter({ worker: url('setInterval(() => {}, 1000)'), timeoutMs: 50 })
    for (const snapshotter of [dying, hanging]) {
      await expect(snapshotter.make([])).rejects.toThrow(/worker/)
      await expect(snapshotter.make([])).rejects.toThrow(/worker/)
      await snapshotter.close()
    }
  })

  it('[R22] leaves the log alone when a snapshot fails, and waits for a tail twice as long', async () => {
    let attempts = 0
    const make = async (_: readonly Uint8Array[], packed: readonly Uint8Array[] = []) => {
      if (packed.length > 0) attempts += 1
      throw new Error('broken')
    }
    const { hub, log, reports } = setup(noSnapshotter({ make }))
    const doc = new Y.Doc()
    const author = joinAs(hub, 'd')
    const edits = (count: number) => editsOf(doc, ...Array.from({ length: count }, (_, n) => put(`k${n}`)))
    await send(author, edits(19))
    await waitUntil('the failure is reported', () => reports.length === 1)
    expect([attempts, await tailOf(log)]).toEqual([1, 19])
    await send(author, edits(1))
    await waitUntil('the next failure is reported', () => reports.length === 2)
    expect([attempts, await tailOf(log), reports[0]]).toEqual([2, 20, 'warn: snapshot failed, the log is unchanged'])
  })
})
