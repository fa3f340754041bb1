// Both logs keep the contract; the one on disk keeps its folder besides.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testFolder } from '../testing/folder.ts'
import { logContract } from '../testing/log-contract.ts'
import { GroupCommit } from './group-commit.ts'
import { openLmdbLog } from './lmdb.ts'
import { openMemoryLog } from './memory.ts'

describe('memory log', () => logContract(async () => openMemoryLog()))

describe('LMDB log', () => {
  logContract(() => openLmdbLog({ folder: testFolder() }))

  it('[L11] holds after reopening what was appended, and counts on', async () => {
    const folder = testFolder()
    const log = await openLmdbLog({ folder })
    await log.append('a', [Uint8Array.of(1), Uint8Array.of(2)])
    await log.putSnapshot('a', { upTo: 1, state: Uint8Array.of(7), stateVector: Uint8Array.of(8) })
    await log.close()
    const again = await openLmdbLog({ folder })
    const { snapshot, entries } = await again.read('a')
    expect([snapshot?.upTo, entries.map(({ seq }) => seq)]).toEqual([1, [2]])
    expect(await again.append('a', [Uint8Array.of(3)])).toBe(3)
    await again.close()
  })

  it('[L12] refuses a folder that a newer version made', async () => {
    const folder = testFolder()
    await (await openLmdbLog({ folder })).close()
    writeFileSync(join(folder, 'format.json'), '{"format":2}')
    await expect(openLmdbLog({ folder })).rejects.toMatchObject({ code: 'newer_format' })
  })

  it('[L13] refuses a folder that cannot be made', async () => {
    const file = join(testFolder(), 'file')
    writeFileSync(file, '')
    const opening = openLmdbLog({ folder: join(file, 'data') })
    await expect(opening).rejects.toMatchObject({
      code: 'folder_unusable',
      message: expect.stringContaining('--data'),
    })
  })

  it('[L14] refuses a folder that a living process holds, naming it', async () => {
    const folder = testFolder()
    const log = await openLmdbLog({ folder })
    const message = expect.stringContaining(`pid ${process.pid}`)
    await expect(openLmdbLog({ folder })).rejects.toMatchObject({ code: 'folder_unusable', message })
    await log.close()
    await (await openLmdbLog({ folder })).close()
  })

  it('[L15] takes over a folder from a dead process, and from another one with the same pid', async () => {
    const folder = testFolder()
    const child = spawn(process.execPath, ['-e', ''])
    await once(child, 'exit')
    for (const pid of [child.pid, process.ppid]) {
      writeFileSync(join(folder, 'relay.lock'), JSON.stringify({ pid, started: 'long ago' }))
      await (await openLmdbLog({ folder })).close()
    }
  })

  it('[L16] refuses to read a record whose bytes have changed', async () => {
    const folder = testFolder()
    const log = await openLmdbLog({ folder })
    await log.append('a', [new Uint8Array(200).fill(77)])
    await log.append('b', [Uint8Array.of(1)])
    await log.close()
    const file = join(folder, 'log.mdb')
    const bytes = readFileSync(file)
    for (let at = bytes.indexOf(Buffer.alloc(200, 77)); at >= 0; at = bytes.indexOf(Buffer.alloc(200, 77)))
      bytes[at + 9] = 78
    writeFileSync(file, bytes)
    const again = await openLmdbLog({ folder })
    await expect(again.read('a')).rejects.toMatchObject({ code: 'storage_failed' })
    expect((await again.read('b')).entries).toHaveLength(1)
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
