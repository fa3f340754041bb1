// The laws that every log keeps, as tests. Knows the port alone; each adapter runs them.
import { expect, it, onTestFinished } from 'vitest'
import type { Log, Snapshot } from '../log/port.ts'

const bytes = (...values: number[]) => Uint8Array.from(values)
const snapshot = (upTo: number): Snapshot => ({ upTo, state: bytes(upTo, 1), stateVector: bytes(upTo, 2) })

/** Registers the contract's tests. @param open - Opens an empty log. */
export const logContract = (open: () => Promise<Log>): void => {
  const opened = async () => {
    const log = await open()
    onTestFinished(() => log.close())
    return log
  }
  const seqs = async (log: Log, document: string) => (await log.read(document)).entries.map(({ seq }) => seq)
  const updates = async (log: Log, document: string) =>
    (await log.read(document)).entries.map(({ update }) => [...update])

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
    expect(await log.read('b')).toEqual({ snapshot: undefined, entries: [] })
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
    expect(await seqs(log, 'a')).toEqual([3])
    const held = (await log.read('a')).snapshot
    expect([held?.upTo, ...(held?.state ?? []), ...(held?.stateVector ?? [])]).toEqual([2, 2, 1, 2, 2])
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
    const log = await open()
    const append = log.append('a', [bytes(1)])
    await log.close()
    expect(await append).toBe(1)
    await expect(log.append('a', [bytes(2)])).rejects.toMatchObject({ code: 'storage_failed' })
    await expect(log.read('a')).rejects.toMatchObject({ code: 'storage_failed' })
  })
}
