// Both logs keep the contract; the one on disk keeps its folder besides.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testFolder } from '../testing/folder.ts'
import { logContract } from '../testing/log-contract.ts'
import { waitUntil } from '../testing/wait.ts'
import { openFileLog } from './file-log.ts'
import { takeLock } from './files/lock.ts'
import { GroupCommit } from './group-commit.ts'
import { openMemoryLog } from './memory.ts'

const filesIn = (folder: string, ending: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))

describe('memory log', () => logContract(async (setup) => openMemoryLog(setup)))
describe('log on disk', () => logContract((setup) => openFileLog({ folder: testFolder(), ...setup })))
describe('log on disk, its journal always full', () =>
  logContract((setup) => openFileLog({ folder: testFolder(), journalBytes: 1, ...setup })))

describe('log on disk besides', () => {
  it('[L11] holds after reopening what was appended, and counts on', async () => {
    const folder = testFolder()
    for (const journalBytes of [1, undefined]) {
      const log = await openFileLog({ folder, journalBytes })
      const head = await log.append('a', [Uint8Array.of(1), Uint8Array.of(2)])
      const [state, stateVector, deletes] = [Uint8Array.of(7), Uint8Array.of(8), Uint8Array.of(0, 0)]
      await log.putSnapshot('a', { upTo: head - 1, state, stateVector, deletes })
      await log.close()
      const again = await openFileLog({ folder })
      const { snapshot, entries } = await again.read('a')
      expect([snapshot?.upTo, entries.map(({ seq }) => seq)]).toEqual([head - 1, [head]])
      expect(await again.append('a', [Uint8Array.of(3)])).toBe(head + 1)
      await again.close()
    }
  })

  it('[L23] writes the updates of one document that come together as one record', async () => {
    const folder = testFolder()
    const log = await openFileLog({ folder })
    const appends = Array.from({ length: 100 }, (_, at) => [
      log.append('a', [Uint8Array.of(at)]),
      log.append('b', [Uint8Array.of(at), Uint8Array.of(at)]),
    ])
    expect((await Promise.all(appends.flat())).slice(-2)).toEqual([100, 200])
    const [journal = ''] = filesIn(folder, '.journal')
    // One head, and for each document one of 24 bytes and its name; each update has its length before it.
    expect(readFileSync(journal).length).toBe(26 + 2 * (24 + 1) + 300 * (4 + 1))
    const seqs = (await log.read('b')).entries.map(({ seq, update }) => [seq, update[0]])
    expect(seqs).toEqual(Array.from({ length: 200 }, (_, at) => [at + 1, at >> 1]))
    await log.close()
    const again = await openFileLog({ folder })
    expect((await again.read('a')).entries.map(({ update }) => update[0])).toEqual([...Array(100).keys()])
    await again.close()
  })

  it('[L12] refuses a folder that another version made, a damaged and a half restored one, with the cure', async () => {
    const folder = testFolder()
    const log = await openFileLog({ folder })
    await log.append('a', [Uint8Array.of(1)])
    await log.close()
    const format = join(folder, 'format.json')
    for (const [text, code, cure] of [
      ['{"format":3}', 'newer_format', /or a newer one/],
      ['{"format":1}', 'newer_format', /version that made it/],
      ['{"form', 'folder_unusable', /from a backup/],
    ] as const) {
      writeFileSync(format, text)
      await expect(openFileLog({ folder })).rejects.toMatchObject({ code, message: expect.stringMatching(cure) })
    }
    rmSync(format)
    await expect(openFileLog({ folder })).rejects.toMatchObject({
      code: 'folder_unusable',
      message: expect.stringContaining('Copy the backup again'),
    })
  })

  it('[L13] refuses a folder that cannot be made or written, with the cure', async () => {
    const file = join(testFolder(), 'file')
    writeFileSync(file, '')
    for (const folder of [join(file, 'data'), '/dev/null/data']) {
      await expect(openFileLog({ folder })).rejects.toMatchObject({
        code: 'folder_unusable',
        message: expect.stringContaining('--data'),
      })
    }
  })

  it('[L14] refuses a folder that a living process holds, naming it, and lets others read it', async () => {
    const folder = testFolder()
    const log = await openFileLog({ folder })
    await log.append('a', [Uint8Array.of(1)])
    const message = expect.stringContaining(`pid ${process.pid}`)
    await expect(openFileLog({ folder })).rejects.toMatchObject({ code: 'folder_unusable', message })
    const reader = await openFileLog({ folder, isReadOnly: true })
    expect((await reader.read('a')).entries).toHaveLength(1)
    await reader.close()
    await log.close()
    await (await openFileLog({ folder })).close()
  })

  it('[L15] takes over a folder from a dead process, and from another one with the same pid', async () => {
    const folder = testFolder()
    const child = spawn(process.execPath, ['-e', ''])
    await once(child, 'exit')
    for (const pid of [child.pid, process.ppid]) {
      writeFileSync(join(folder, 'relay.lock'), JSON.stringify({ pid, started: 'long ago' }))
      await (await openFileLog({ folder })).close()
    }
  })

  it('[L25] refuses a folder that a process of another machine or container holds, and takes it over once that one is silent', async () => {
    const lock = join(testFolder(), 'lock')
    const elsewhere = JSON.stringify({ pid: 1, started: null, host: 'machine-2', place: 'machine-2 another boot' })
    writeFileSync(lock, elsewhere)
    let beats = 1
    const beating = setInterval(() => utimesSync(lock, beats, ++beats), 2)
    const message = expect.stringContaining('pid 1 on machine-2')
    await expect(takeLock('folder', lock, { beatMs: 10 })).rejects.toMatchObject({ code: 'folder_unusable', message })
    clearInterval(beating)
    const held = await takeLock('folder', lock, { beatMs: 10 })
    const touched = statSync(lock).mtimeMs
    await waitUntil('it beats', () => statSync(lock).mtimeMs !== touched)
    held.release()
    expect(existsSync(lock)).toBe(false)
  })

  it('[L26] writes nothing once another process has taken its folder', async () => {
    const folder = testFolder()
    const log = await openFileLog({ folder })
    await log.append('a', [Uint8Array.of(1)])
    const theirs = JSON.stringify({ pid: 1, started: null, host: 'machine-2', place: 'machine-2 another boot' })
    writeFileSync(join(folder, 'relay.lock'), theirs)
    const append = () => log.append('a', [Uint8Array.of(2)]).then(() => '', String)
    let failure = ''
    while (failure === '') failure = await append()
    expect(failure).toMatch(/another process has taken the folder/)
    await log.close()
    expect(readFileSync(join(folder, 'relay.lock'), 'utf8')).toBe(theirs)
  })

  it('[L16] refuses to read a record whose bytes have changed, in the journal and in files of its own', async () => {
    for (const journalBytes of [1, undefined]) {
      const folder = testFolder()
      const log = await openFileLog({ folder, journalBytes })
      await log.append('a', [new Uint8Array(200).fill(77)])
      await log.append('b', [Uint8Array.of(1)])
      await log.append('b', [Uint8Array.of(2)])
      await log.close()
      for (const file of [...filesIn(folder, '.journal'), ...filesIn(folder, '.tail')]) {
        const bytes = readFileSync(file)
        const at = bytes.indexOf(Buffer.alloc(200, 77))
        if (at >= 0) bytes[at + 9] = 78
        writeFileSync(file, bytes)
      }
      const again = await openFileLog({ folder })
      await expect(again.read('a')).rejects.toMatchObject({ code: 'storage_failed' })
      expect((await again.read('b')).entries).toHaveLength(2)
      await again.close()
    }
  })

  it('[W1] leaves out what a crash cut off, tells of it, and loses nothing at the next crash', async () => {
    const folder = testFolder()
    const log = await openFileLog({ folder })
    await log.append('a', [Uint8Array.of(1)])
    const [journal = ''] = filesIn(folder, '.journal')
    const whole = readFileSync(journal)
    await log.close()
    for (let cut = 1; cut < 8; cut++) {
      const crashed = testFolder()
      cpSync(folder, crashed, { recursive: true })
      writeFileSync(
        join(crashed, 'journal', '000000000001.journal'),
        Buffer.concat([whole, whole.subarray(26, 26 + cut)]),
      )
      const reports: string[] = []
      const again = await openFileLog({ folder: crashed, logger: (_, message) => void reports.push(message) })
      expect(reports).toEqual(['an unfinished write was left out'])
      expect(await again.append('a', [Uint8Array.of(2)])).toBe(2)
      // Killed again: nobody closes this one.
      const third = await openFileLog({ folder: crashed, isReadOnly: true })
      expect((await third.read('a')).entries.map(({ seq }) => seq)).toEqual([1, 2])
      await again.close()
    }
  })

  it('[W2] keeps nothing in memory of documents whose updates have left the journal', async () => {
    const folder = testFolder()
    const log = await openFileLog({ folder, journalBytes: 1 })
    for (let n = 0; n < 30; n++) await log.append(`d${n}`, [Uint8Array.of(n)])
    await log.append('last', [Uint8Array.of(1)])
    // Whatever a log remembers it has from the journal.
    await waitUntil('the rest has left the journal', () => filesIn(folder, '.journal').length === 1)
    expect(filesIn(folder, '.tail')).toHaveLength(30)
    await log.close()
    const again = await openFileLog({ folder })
    expect((await again.documents()).length).toBe(31)
    await again.close()
  })
})

describe('group commit', () => {
  it('[L17] commits together what comes together, and what comes meanwhile in the next', async () => {
    const commits: number[][] = []
    const queue = new GroupCommit<number>({
      commit: async (writes) => void commits.push([...writes]),
      onFailure: async () => new Error('unused'),
    })
    const first = [1, 2, 3].map((n) => queue.add(() => ({ writes: [n], result: n })))
    const meanwhile = first[0]?.then(() => queue.add(() => ({ writes: [4], result: 4 })))
    expect(await Promise.all([...first, meanwhile])).toEqual([1, 2, 3, 4])
    expect(commits).toEqual([[1, 2, 3], [4]])
  })

  it('[L18] fails all of a failed commit, and a plan that throws alone', async () => {
    let isFull = false
    const queue = new GroupCommit<number>({
      commit: async () => {
        if (isFull) throw new Error('ENOSPC')
      },
      onFailure: async (cause) => new Error('full', { cause }),
    })
    const add = (plan: () => number) => queue.add(() => ({ writes: [plan()], result: true })).catch(() => false)
    const broken = () => {
      throw new Error('unreadable')
    }
    expect(await Promise.all([add(() => 1), add(broken)])).toEqual([true, false])
    isFull = true
    expect(await Promise.all([add(() => 2), add(() => 3)])).toEqual([false, false])
    isFull = false
    expect(await add(() => 4)).toBe(true)
  })
})
