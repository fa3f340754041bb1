// Every write boundary and every byte: what a failing disk and a changed one do to the log.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MerrowError } from '../../src/errors.ts'
import { type FaultKind, faultyDisk } from '../testing/faulty-disk.ts'
import { testFolder } from '../testing/folder.ts'
import { openFileLog } from './file-log.ts'
import type { Disk } from './files/disk.ts'
import type { Log } from './port.ts'

const snapshot = (upTo: number) => ({
  upTo,
  state: new Uint8Array(300).fill(upTo),
  stateVector: Uint8Array.of(upTo),
  deletes: Uint8Array.of(0, 0),
})
const ROUNDS = 3
const NAMES = ['a', 'team/b', 'C']

/** What a log should hold: acknowledged updates by document; and those that were tried and failed. */
type Acknowledged = Map<string, Uint8Array[]>

/** Appends, snapshots, filings and a deletion; what fails is tried no more. @returns What was acknowledged. */
const work = async (log: Log): Promise<{ acknowledged: Acknowledged; failures: unknown[] }> => {
  const acknowledged: Acknowledged = new Map(NAMES.map((name) => [name, []]))
  const failures: unknown[] = []
  const note = (error: unknown) => void failures.push(error)
  for (let round = 1; round <= ROUNDS; round++) {
    for (const name of NAMES) {
      const updates = [Uint8Array.of(round, 1), new Uint8Array(20 * round).fill(round)]
      await log.append(name, updates).then(() => acknowledged.get(name)?.push(...updates), note)
    }
    const { entries } = await log.read('a')
    if (round % 2 === 0) await log.putSnapshot('a', snapshot(entries.at(-1)?.seq ?? 0)).catch(note)
  }
  await log.append('gone', [Uint8Array.of(1)]).catch(note)
  await log.remove('gone').catch(note)
  return { acknowledged, failures }
}

const run = async (folder: string, disk: Disk) => {
  const log = await openFileLog({ folder, disk, journalBytes: 200 })
  const done = await work(log)
  await log.close()
  return done
}

const isIn = (update: Uint8Array, held: readonly Uint8Array[]): boolean =>
  held.some((other) => Buffer.compare(update, other) === 0)

/** Reads everything, and appends once more to each document. */
const readAll = async (
  folder: string,
): Promise<Map<string, { upTo: number; seqs: number[]; updates: Uint8Array[] }>> => {
  const log = await openFileLog({ folder, disk: faultyDisk(Number.POSITIVE_INFINITY, 'fails') })
  const found = new Map()
  for (const name of NAMES) {
    const { snapshot, entries } = await log.read(name)
    await snapshot?.state()
    found.set(name, {
      upTo: snapshot?.upTo ?? 0,
      seqs: entries.map(({ seq }) => seq),
      updates: entries.map(({ update }) => update),
    })
    const head = entries.at(-1)?.seq ?? snapshot?.upTo ?? 0
    expect(await log.append(name, [Uint8Array.of(9)])).toBe(head + 1)
  }
  await log.close()
  return found
}

const expectNothingLost = (acknowledged: Acknowledged, found: Awaited<ReturnType<typeof readAll>>) => {
  for (const [name, updates] of acknowledged) {
    const { upTo = 0, seqs = [], updates: held = [] } = found.get(name) ?? {}
    expect(seqs).toEqual(Array.from(seqs, (_, at) => upTo + at + 1))
    if (upTo === 0) expect(updates.filter((update) => !isIn(update, held))).toEqual([])
    else expect(upTo + seqs.length).toBeGreaterThanOrEqual(updates.length)
  }
}

describe('write boundaries', () => {
  it.each<[FaultKind, number]>([
    ['fails', 0],
    ['torn', 1],
    ['full', 0],
    ['unsynced', 1],
  ])('[W3] a call that %s costs no acknowledged write, and the log goes on', async (kind, first) => {
    const whole = faultyDisk(Number.POSITIVE_INFINITY, kind)
    await run(testFolder(), whole)
    expect(whole.calls.length).toBeGreaterThan(50)
    // Every call in turn, each in two of the four ways; FAULTS=all tries all four.
    const [from, step] = process.env['FAULTS'] === 'all' ? [0, 1] : [first, 2]
    for (let at = from; at < whole.calls.length; at += step) {
      const folder = testFolder()
      const { acknowledged, failures } = await run(folder, faultyDisk(at, kind))
      for (const failure of failures) expect(failure).toBeInstanceOf(MerrowError)
      if (kind === 'full') for (const failure of failures) expect(failure).toMatchObject({ code: 'storage_full' })
      const tried = [...acknowledged.values()].reduce((sum, updates) => sum + updates.length, 0)
      // One fault costs one append at most; the next one goes on.
      expect(tried).toBeGreaterThanOrEqual(NAMES.length * 2 * ROUNDS - 2)
      expectNothingLost(acknowledged, await readAll(folder))
    }
  })

  it.each<FaultKind>(['fails', 'full'])(
    '[W4] a disk that stays so (%s) refuses writes, still reads, and recovers',
    async (kind) => {
      const whole = faultyDisk(Number.POSITIVE_INFINITY, kind)
      await run(testFolder(), whole)
      for (let at = 3; at < whole.calls.length; at += 5) {
        const folder = testFolder()
        const { acknowledged } = await run(folder, faultyDisk(at, kind, Number.POSITIVE_INFINITY))
        expectNothingLost(acknowledged, await readAll(folder))
      }
    },
  )
})

describe('changed bytes', () => {
  const files = (folder: string) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(folder, name)).isFile())

  /** Reads everything without changing anything. */
  const contentOf = async (folder: string): Promise<string> => {
    const reports: string[] = []
    const log = await openFileLog({ folder, isReadOnly: true, logger: (_, message) => void reports.push(message) })
    const parts: unknown[] = [await log.documents()]
    for (const name of [...NAMES, 'gone']) {
      try {
        const { snapshot, entries } = await log.read(name)
        const states = []
        for (const { upTo, takenAt } of await log.snapshots(name)) {
          const held = await log.readSnapshot(name, upTo)
          const bytes = [await held?.state(), held?.stateVector, held?.deletes]
          states.push([upTo, takenAt, ...bytes.map((part) => Buffer.from(part ?? []).toString('hex'))])
        }
        const updates = entries.map(({ seq, update }) => [seq, Buffer.from(update).toString('hex')])
        parts.push([name, snapshot?.upTo, updates, states])
      } catch (error) {
        if (!(error instanceof MerrowError) || error.code !== 'document_deleted') throw error
        parts.push([name, 'deleted'])
      }
    }
    await log.close()
    return JSON.stringify(parts) + reports.join()
  }

  it('[W5] every changed byte of a data folder is noticed, or changes nothing', async () => {
    const original = testFolder()
    const log = await openFileLog({ folder: original, journalBytes: 700, now: () => 1 })
    await work(log)
    await log.close()
    const good = await contentOf(original)
    const folder = testFolder()
    const seed = Number(process.env['SEED'] ?? Date.now() % 100_000)
    let bytes = 0
    const missed: string[] = []
    for (const name of files(original)) {
      const content = readFileSync(join(original, name))
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), content)
    }
    for (const name of files(original)) {
      const content = readFileSync(join(original, name))
      for (let at = 0; at < content.length; at++) {
        const changed = Buffer.from(content)
        changed[at] = (changed[at] ?? 0) ^ (1 << ((seed + at) % 8))
        writeFileSync(join(folder, name), changed)
        bytes += 1
        const found = await contentOf(folder).catch((error) => error)
        if (typeof found === 'string' ? found === good && !isUnused(name) : !(found instanceof MerrowError))
          missed.push(`${name} ${at} ${typeof found === 'string' ? 'unnoticed' : found} (SEED=${seed})`)
        else if (typeof found === 'string' && found !== good && !found.startsWith(good))
          missed.push(`${name} ${at} differs (SEED=${seed})`)
      }
      writeFileSync(join(folder, name), content)
    }
    expect(missed).toEqual([])
    expect(bytes).toBeGreaterThan(900)
  })

  /** The tombstone of a deleted document says what it says by its name; its bytes are never read. */
  const isUnused = (name: string): boolean => name.endsWith('deleted')
})
