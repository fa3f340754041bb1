// Every adapter against the one contract, and what each says when it cannot be opened.
import 'fake-indexeddb/auto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { IDBFactory } from 'fake-indexeddb'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { scratchDocuments } from '../rowlog/index.ts'
import { lmdb as browserLmdb } from './browser.ts'
import { lmdb, memory, yIndexedDb } from './index.ts'
import { storageContract, updateOf } from './testing/contract.ts'

const root = mkdtempSync(join(tmpdir(), 'merrow-storage-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const context = { database: 'd', scratch: scratchDocuments }
let places = 0

describe('memory', () => storageContract(memory, { keepsUpdates: true, knowsWhetherAlone: true }))

describe('lmdb', () => {
  storageContract(() => lmdb({ path: join(root, `place-${places++}`) }), {
    keepsUpdates: true,
    knowsWhetherAlone: true,
  })

  it('[P10] a folder that cannot be made is refused with the cure', async () => {
    const file = join(root, 'file')
    writeFileSync(file, '')
    await expect(lmdb({ path: file }).open(context)).rejects.toMatchObject({
      code: 'folder_unusable',
      message: expect.stringContaining('Give a folder'),
    })
  })

  it('[P10] a browser is told what to use instead', async () => {
    await expect(browserLmdb({ path: 'x' }).open(context)).rejects.toMatchObject({ code: 'unsupported' })
  })
})

describe('yIndexedDb', () => {
  beforeEach(() => {
    globalThis.indexedDB = new IDBFactory()
  })
  // Node has no Web Locks, so it cannot tell; the browser test shows that it can there.
  storageContract(yIndexedDb, { keepsUpdates: false, knowsWhetherAlone: false })

  it('[P11] an append that was aborted is not taken for stored, at its retry either', async () => {
    const adapter = yIndexedDb()
    const storage = await adapter.open(context)
    await storage.load('a')
    const add = IDBObjectStore.prototype.add
    IDBObjectStore.prototype.add = function (...args) {
      const request = add.apply(this, args)
      this.transaction.abort()
      return request
    }
    await expect(storage.append([{ document: 'a', update: updateOf('x') }])).rejects.toMatchObject({
      code: 'storage_failed',
    })
    IDBObjectStore.prototype.add = add
    await storage.append([{ document: 'a', update: updateOf('x') }])
    await storage.close()
    const again = await adapter.open(context)
    const scratch = scratchDocuments.create()
    for (const { update } of await again.load('a')) scratchDocuments.apply(scratch, update)
    expect((scratch as { getText(): { toString(): string } }).getText().toString()).toBe('x')
    await again.close()
  })

  it('[P10] a browser that refuses to open IndexedDB is said to', async () => {
    const open = IDBFactory.prototype.open
    IDBFactory.prototype.open = () => {
      throw new Error('denied')
    }
    await expect(yIndexedDb().open(context)).rejects.toMatchObject({ code: 'storage_failed' })
    IDBFactory.prototype.open = open
  })
})
