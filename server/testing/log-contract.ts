// The laws that every log keeps, as tests. Knows the port alone; each adapter runs them.
import { expect, it, onTestFinished } from 'vitest'
import { unpacked } from '../log/packed.js'
import type { Log, Retention, Snapshot } from '../log/port.ts'

const bytes = (...values: number[]) => Uint8Array.from(values)
const snapshot = (upTo: number, ...state: number[]): Snapshot => ({
  upTo,
  state: bytes(upTo, 1, ...state),
  stateVector: bytes(upTo, 2),
  deletes: bytes(upTo, 3),
})
const HOUR_MS = 3_600_000

/** What a log is opened with. */
export interface LogSetup {
  readonly retention: Retention
  readonly now: () => number
}

/** Registers the contract's tests. @param open - Opens an empty log. */
export const logContract = (open: (setup: LogSetup) => Promise<Log>): void => {
  let time = 0
  const setup: LogSetup = { retention: { count: 3, ageMs: 100 * HOUR_MS, spacingMs: HOUR_MS }, now: () => time }
  const opened = async () => {
    time = HOUR_MS
    const log = await open(setup)
    onTestFinished(() => log.close())
    return log
  }
  const seqs = async (log: Log, document: string) => (await log.read(document)).entries.map(({ seq }) => seq)
  const updates = async (log: Log, document: string) =>
    (await log.read(document)).entries.map(({ update }) => [...update])
  const packedUpdates = async (log: Log, document: string) =>
    (await log.read(document)).packed.flatMap(unpacked).map((update) => [...update])

  it('[L1] counts the updates of each document from 1', async () => {
    const log = await opened()
    expect(await log.append('a', [bytes(1)])).toBe(1)
    expect(await log.append('a', [bytes(2), bytes(3)])).toBe(3)
    expect(await log.append('b', [bytes(4)])).toBe(1)
  })

  it('[L2] reads updates in the order they were appended, and nothing of an unknown document', async () => {
    const log = await opened()
    await Promise.all([log.append('a', [bytes(1), bytes(2)]), log.append('a', [bytes(3)])])
    expect(await updates(log, 'a')).toEqual([[1], [2], [3]])
    expect(await packedUpdates(log, 'a')).toEqual([[1], [2], [3]])
    expect(await log.read('b')).toMatchObject({ snapshot: undefined, upTo: 0, entries: [], packed: [] })
  })

  it('[L3] finishes appends to one document in call order', async () => {
    const log = await opened()
    const finished: number[] = []
    await Promise.all(
      Array.from({ length: 50 }, (_, n) => log.append('a', [bytes(n)]).then((seq) => finished.push(seq))),
    )
    expect(finished).toEqual(Array.from({ length: 50 }, (_, n) => n + 1))
  })

  it('[L4] removes by a snapshot the updates it holds, and no other', async () => {
    const log = await opened()
    await log.append('a', [bytes(1), bytes(2), bytes(3)])
    expect(await log.putSnapshot('a', snapshot(2))).toBe(true)
    expect([await seqs(log, 'a'), await packedUpdates(log, 'a')]).toEqual([[3], [[3]]])
    expect((await log.read('a')).upTo).toBe(3)
    const held = (await log.read('a')).snapshot
    expect(held).toMatchObject({ upTo: 2, bytes: 2, takenAt: time })
    expect([[...((await held?.state()) ?? [])], [...(held?.stateVector ?? [])], [...(held?.deletes ?? [])]]).toEqual([
      [2, 1],
      [2, 2],
      [2, 3],
    ])
  })

  it('[L5] refuses a snapshot that is not newer than the one there is', async () => {
    const log = await opened()
    await log.append('a', [bytes(1), bytes(2), bytes(3)])
    const both = await Promise.all([log.putSnapshot('a', snapshot(2)), log.putSnapshot('a', snapshot(2))])
    expect(both).toEqual([true, false])
    expect(await log.putSnapshot('a', snapshot(1))).toBe(false)
  })

  it('[L6] counts on after a snapshot that holds everything', async () => {
    const log = await opened()
    await log.append('a', [bytes(1), bytes(2)])
    await log.putSnapshot('a', snapshot(2))
    expect(await log.append('a', [bytes(3)])).toBe(3)
    expect(await seqs(log, 'a')).toEqual([3])
  })

  it('[L7] names all documents, sorted, those with a snapshot alone too', async () => {
    const log = await opened()
    for (const document of ['b', 'a/b', 'a', 'a-b']) await log.append(document, [bytes(1), bytes(2)])
    await log.putSnapshot('b', snapshot(2))
    expect(await log.documents()).toEqual(['a', 'a-b', 'a/b', 'b'])
  })

  it('[L8] keeps documents apart whose names begin alike', async () => {
    const log = await opened()
    await log.append('a', [bytes(1)])
    await log.append('a/b', [bytes(2)])
    await log.putSnapshot('a', snapshot(1))
    expect(await updates(log, 'a/b')).toEqual([[2]])
    expect(await log.append('a/b', [bytes(3)])).toBe(2)
  })

  it('[L9] returns large updates unchanged', async () => {
    const log = await opened()
    const large = new Uint8Array(8 * 1024 * 1024).map((_, at) => at % 251)
    await log.append('a', [large, bytes(1)])
    const [first] = (await log.read('a')).entries
    expect(Buffer.compare(first?.update ?? bytes(), large)).toBe(0)
  })

  it('[L10] finishes running appends when it closes, and takes no more', async () => {
    const log = await open(setup)
    const append = log.append('a', [bytes(1)])
    await log.close()
    expect(await append).toBe(1)
    await expect(log.append('a', [bytes(2)])).rejects.toMatchObject({ code: 'storage_failed' })
    await expect(log.read('a')).rejects.toMatchObject({ code: 'storage_failed' })
  })

  it('[L19] reads any part of a state, in order', async () => {
    const log = await opened()
    const state = Uint8Array.from({ length: 600_000 }, (_, at) => at % 251)
    await log.append('a', [bytes(1)])
    await log.putSnapshot('a', { ...snapshot(1), state })
    const { snapshot: held } = await log.read('a')
    for (const [from, to] of [
      [0, 600_000],
      [262_143, 262_145],
      [300_000, 300_001],
      [599_999, 600_000],
      [5, 5],
    ] as const) {
      const parts: Uint8Array[] = []
      for await (const part of held?.stream(from, to) ?? []) parts.push(part)
      expect(Buffer.compare(Buffer.concat(parts), state.subarray(from, to))).toBe(0)
    }
  })

  it('[L20] keeps former snapshots by count, age and distance, and the last one in any case', async () => {
    const log = await opened()
    const kept = async () => (await log.snapshots('a')).map(({ upTo }) => upTo)
    const store = async (upTo: number, hours: number) => {
      time = hours * HOUR_MS
      await log.append('a', [bytes(upTo)])
      await log.putSnapshot('a', snapshot(upTo, 7))
    }
    for (const [upTo, hours] of [
      [1, 1],
      [2, 1.5],
      [3, 1.7],
    ] as const)
      await store(upTo, hours)
    expect(await kept()).toEqual([3, 2, 1])
    await store(4, 30)
    expect(await kept()).toEqual([4, 3, 1])
    for (const [upTo, hours] of [
      [5, 200],
      [6, 230],
      [7, 260],
      [8, 270],
      [9, 280],
    ] as const)
      await store(upTo, hours)
    expect(await kept()).toEqual([9, 8, 7, 6])
    const former = await log.readSnapshot('a', 7)
    expect([...((await former?.state()) ?? [])]).toEqual([7, 1, 7])
    expect(await log.readSnapshot('a', 5)).toBe(undefined)
  })

  it('[L21] deletes a document with all it had, and refuses its name from then on', async () => {
    const log = await opened()
    await log.append('a', [bytes(1), bytes(2)])
    await log.putSnapshot('a', snapshot(1))
    await log.append('b', [bytes(3)])
    const running = log.append('a', [bytes(4)])
    const removing = log.remove('a')
    expect([await running, await removing, await log.remove('a'), await log.remove('unknown')]).toEqual([
      3,
      true,
      false,
      false,
    ])
    expect(await log.documents()).toEqual(['b'])
    const uses = [
      () => log.append('a', [bytes(5)]),
      () => log.read('a'),
      () => log.putSnapshot('a', snapshot(9)),
      () => log.snapshots('a'),
      () => log.readSnapshot('a', 1),
    ]
    for (const use of uses) await expect(use()).rejects.toMatchObject({ code: 'document_deleted' })
    expect(await updates(log, 'b')).toEqual([[3]])
  })

  it('[L22] reads what is consistent while appends and snapshots go on', async () => {
    const log = await opened()
    const writing = (async () => {
      for (let seq = 1; seq <= 60; seq++) {
        await log.append('a', [bytes(seq)])
        if (seq % 7 === 0) await log.putSnapshot('a', snapshot(seq))
      }
    })()
    let head = 0
    while (head < 60) {
      const { snapshot: held, entries } = await log.read('a')
      const seqs = entries.map(({ seq }) => seq)
      expect(seqs).toEqual(Array.from(seqs, (_, at) => (held?.upTo ?? 0) + at + 1))
      const last = seqs.at(-1) ?? held?.upTo ?? 0
      expect(last).toBeGreaterThanOrEqual(head)
      head = last
      await new Promise((resolve) => setImmediate(resolve))
    }
    await writing
  })
}
