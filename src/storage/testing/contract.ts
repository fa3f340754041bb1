// What every storage adapter must do, as one suite. Knows the port alone.
import { expect, it } from 'vitest'
import { scratchDocuments } from '../../rowlog/index.ts'
import type { Storage, StorageAdapter } from '../port.ts'

/** Yjs updates, since an adapter may lean on Yjs: `text` into a fresh document. */
export const updateOf = (text: string): Uint8Array => {
  const updates: Uint8Array[] = []
  const document = scratchDocuments.create() as {
    on(event: 'update', listener: (update: Uint8Array) => void): void
    getText(): { insert(at: number, text: string): void }
  }
  document.on('update', (update) => updates.push(update))
  document.getText().insert(0, text)
  return updates[0] as Uint8Array
}

const textOf = async (storage: Storage, document: string): Promise<string> => {
  const scratch = scratchDocuments.create()
  for (const { update } of await storage.load(document)) scratchDocuments.apply(scratch, update)
  return [...(scratch as { getText(): { toString(): string } }).getText().toString()].sort().join('')
}

/** What an adapter may leave out. */
export interface Abilities {
  /** Whether it keeps updates as they were given, under keys of their own. */
  readonly keepsUpdates: boolean
  /** Whether it can tell that nobody else has the store open. */
  readonly knowsWhetherAlone: boolean
}

/** Runs the suite. `make` gives an adapter on an empty place; opening it twice opens the same place. */
export const storageContract = (make: () => StorageAdapter, { keepsUpdates, knowsWhetherAlone }: Abilities): void => {
  const context = { database: 'contract', scratch: scratchDocuments }
  const withStorage = async (work: (storage: Storage, adapter: StorageAdapter) => Promise<void>): Promise<void> => {
    const adapter = make()
    const storage = await adapter.open(context)
    await work(storage, adapter)
    await storage.close()
  }

  it('[P1] an unknown document is empty', () =>
    withStorage(async (storage) => expect(await storage.load('none')).toEqual([])))

  it('[P2] what was appended is there after reopening, documents apart', () =>
    withStorage(async (storage, adapter) => {
      await storage.append([
        { document: 'a', update: updateOf('x') },
        { document: 'b', update: updateOf('y') },
        { document: 'a', update: updateOf('z') },
      ])
      await storage.close()
      const again = await adapter.open(context)
      expect([await textOf(again, 'a'), await textOf(again, 'b')]).toEqual(['xz', 'y'])
      await again.close()
    }))

  it('[P3] a batch is appended in order', async () => {
    if (!keepsUpdates) return expect(keepsUpdates).toBe(false)
    await withStorage(async (storage) => {
      const updates = ['x', 'y', 'z'].map(updateOf)
      const keys = await storage.append(updates.map((update) => ({ document: 'a', update })))
      expect((await storage.load('a')).map(({ key, update }) => [key, [...update]])).toEqual(
        updates.map((update, at) => [keys[at], [...update]]),
      )
    })
  })

  it('[P4] compacting replaces the named updates and no other', () =>
    withStorage(async (storage) => {
      const replaced = await storage.append([{ document: 'a', update: updateOf('x') }])
      await storage.append([{ document: 'a', update: updateOf('y') }])
      await storage.compact('a', (await storage.load('a'))[0]?.update as Uint8Array, replaced)
      expect(await textOf(storage, 'a')).toBe('xy')
      if (keepsUpdates) expect((await storage.load('a')).map(({ key }) => key)).not.toContain(replaced[0])
    }))

  it('[P5] concurrent appends are all kept', () =>
    withStorage(async (storage) => {
      await Promise.all(['p', 'q', 'r'].map((text) => storage.append([{ document: 'a', update: updateOf(text) }])))
      expect(await textOf(storage, 'a')).toBe('pqr')
    }))

  it('[P6] a removed document is empty, others are not', () =>
    withStorage(async (storage) => {
      await storage.append([
        { document: 'a', update: updateOf('x') },
        { document: 'b', update: updateOf('y') },
      ])
      await storage.remove('a')
      expect(await textOf(storage, 'b')).toBe('y')
      expect(await storage.load('a')).toEqual([])
    }))

  it('[P7] meta texts last', () =>
    withStorage(async (storage, adapter) => {
      expect(await storage.readMeta('k')).toBeUndefined()
      await storage.writeMeta('k', 'v')
      await storage.close()
      const again = await adapter.open(context)
      expect(await again.readMeta('k')).toBe('v')
      await again.close()
    }))

  it('[P8] only the first of several openers is alone', async () => {
    const adapter = make()
    const first = await adapter.open(context)
    const second = await adapter.open(context)
    expect([first.isAlone, second.isAlone]).toEqual([knowsWhetherAlone, false])
    await first.close()
    const third = await adapter.open(context)
    expect(third.isAlone).toBe(false)
    await second.close()
    await third.close()
    const last = await adapter.open(context)
    expect(last.isAlone).toBe(knowsWhetherAlone)
    await last.close()
  })

  it('[P9] a closed store refuses writes', async () => {
    const storage = await make().open(context)
    await storage.close()
    await expect((async () => storage.append([{ document: 'a', update: updateOf('x') }]))()).rejects.toMatchObject({
      code: 'storage_failed',
    })
  })
}
