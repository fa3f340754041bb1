// Bugs planted in what columns make of concurrent writes, and in undo, which the laws must catch; and the law of counters and sets.
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Entry } from '../rowlog/index.ts'
import { firstBroken, forEachSeed, SEEDS } from '../rowlog/testing/seeds.ts'
import { checkRegisterLaw } from './testing/register-law.ts'

it(
  '[J13] counters add up, and of adds and removes of one element the later wins, on any schedule',
  {
    timeout: 60_000 + 50 * SEEDS,
  },
  () => forEachSeed(checkRegisterLaw),
)

describe('[M5] the laws catch', () => {
  afterEach(() => {
    for (const module of ['../rowlog/entry.ts', './undo.ts', './registers.ts']) vi.doUnmock(module)
    vi.resetModules()
  })

  const ENOUGH = 100
  const conflicts = async (): Promise<string | undefined> => {
    vi.resetModules()
    return firstBroken((await import('./testing/conflict-law.ts')).checkConflictLaw, ENOUGH)
  }
  const undo = async (): Promise<string | undefined> => {
    vi.resetModules()
    return firstBroken((await import('./testing/undo-law.ts')).checkUndoLaw, ENOUGH)
  }
  const registers = async (): Promise<string | undefined> => {
    vi.resetModules()
    return firstBroken((await import('./testing/register-law.ts')).checkRegisterLaw, ENOUGH)
  }

  it('a conflict that is reported though the later write knew the earlier', async () => {
    vi.doMock('../rowlog/entry.ts', async (original) => {
      const real = await original<typeof import('../rowlog/entry.ts')>()
      return {
        ...real,
        siblingsOf: ({ valid }: Entry, column: string) => valid.filter(({ shape }) => shape.columns.includes(column)),
      }
    })
    expect(await conflicts()).toContain('conflicts are')
  })

  it('a conflict that is not reported', async () => {
    vi.doMock('../rowlog/entry.ts', async (original) => {
      const real = await original<typeof import('../rowlog/entry.ts')>()
      return {
        ...real,
        siblingsOf: (...args: Parameters<typeof real.siblingsOf>) => real.siblingsOf(...args).slice(-1),
      }
    })
    expect(await conflicts()).toContain('conflicts are')
  })

  it('an undo that takes back what another wrote', async () => {
    vi.doMock('./undo.ts', async (original) => {
      const real = await original<typeof import('./undo.ts')>()
      real.Lineage.prototype.isStill = () => true
      return real
    })
    expect(await undo()).toContain('of another into')
  })

  it('a counter that shows the latest increments alone', async () => {
    vi.doMock('./registers.ts', async (original) => {
      const real = await original<typeof import('./registers.ts')>()
      const latest = ({ valid }: Entry, column: string): number => {
        const last = valid.findLast(({ shape }) => shape.columns.some((field) => field.startsWith(column)))
        return Number(last?.raw.at(3 + (last.shape.columns.findIndex((field) => field.startsWith(column)) ?? 0)) ?? 0)
      }
      return { ...real, countOf: latest }
    })
    expect(await registers()).toContain('the counter and the set are')
  })

  it('a set in which a remove wins over a later add', async () => {
    vi.doMock('./registers.ts', async (original) => {
      const real = await original<typeof import('./registers.ts')>()
      const removed = ({ valid }: Entry, column: string, element: unknown): boolean =>
        valid.some(({ shape, raw }) => raw[3 + shape.columns.indexOf(`${column}:${JSON.stringify(element)}`)] === false)
      return {
        ...real,
        elementsOf: (entry: Entry, column: string) =>
          real.elementsOf(entry, column).filter((element) => !removed(entry, column, element)),
      }
    })
    expect(await registers()).toContain('the counter and the set are')
  })

  it('nothing where nothing is planted', async () => {
    expect([await conflicts(), await undo(), await registers()]).toEqual([undefined, undefined, undefined])
  })
})
