// Laws of moving rows, over seeded schedules; and bugs planted in it, which the laws must catch. SEED=n runs that one alone.
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Original } from '../../rowlog/copies.ts'
import { RowLog } from '../../rowlog/log.ts'
import type { Segment } from '../../rowlog/segment.ts'
import { forEachSeed, seedsOr } from '../../rowlog/testing/seeds.ts'
import { checkLaws } from './testing/moves.ts'

const SEEDS = seedsOr(200)
/** Fewer, since packing writes at each closing. */
const PACKED_SEEDS = seedsOr(50)

it(
  '[B5] [B9] whoever moves what when, no row is lost or doubled, and each field shows its latest write',
  {
    timeout: 60_000 + 100 * SEEDS,
  },
  () => forEachSeed(checkLaws, SEEDS),
)

it('[B13] so it is where every partition is packed as it closes, however few rows it has', {
  timeout: 60_000 + 400 * PACKED_SEEDS,
}, async () => {
  // Not by a spy, which would keep every log that it was called on.
  const { compact } = RowLog.prototype
  RowLog.prototype.compact = function () {
    return this.pack()
  }
  try {
    await forEachSeed(checkLaws, PACKED_SEEDS)
  } finally {
    RowLog.prototype.compact = compact
  }
})

it.each([
  [715, 'a partition is opened in the very turn in which it closes'],
  [4356, 'a row of one partition comes with the opening of another'],
])('[B5] [B9] so does seed %i, which failed once: %s', (seed) => checkLaws(seed))

describe('[B10] the laws catch', () => {
  afterEach(() => {
    for (const path of ['./forwarder.ts', './placement.ts', '../../rowlog/copies.ts']) vi.doUnmock(path)
    vi.resetModules()
  })

  const caught = async (seeds = 100): Promise<string | undefined> => {
    vi.resetModules()
    const { checkLaws: check } = await import('./testing/moves.ts')
    for (let seed = 0; seed < seeds; seed++) {
      try {
        await check(seed)
      } catch (error) {
        return (error as Error).message
      }
    }
    return undefined
  }
  type Forwarding = typeof import('./forwarder.ts')
  const plantInForwarder = (change: (real: Forwarding['Forwarder']) => unknown): void =>
    void vi.doMock('./forwarder.ts', async (original) => {
      const real = await original<Forwarding>()
      return { ...real, Forwarder: change(real.Forwarder) }
    })
  type Placing = typeof import('./placement.ts')
  const plantInPlacement = (change: (real: Placing['Placement']) => unknown): void =>
    void vi.doMock('./placement.ts', async (original) => {
      const real = await original<Placing>()
      return { ...real, Placement: change(real.Placement) }
    })

  it('nothing where nothing is planted', async () => {
    expect(await caught(10)).toBeUndefined()
  })

  it('a move that takes along what it changes alone', async () => {
    plantInForwarder(
      (Real) =>
        class extends Real {
          override run(): ReadonlySet<string> {
            return new Set()
          }
          override bringHome(): void {}
        },
    )
    expect(await caught()).toMatch(/alone/)
  })

  it('a late edit that stays behind', async () => {
    plantInForwarder(
      (Real) =>
        class extends Real {
          override isResponsible(): boolean {
            return false
          }
          override bringHome(): void {}
        },
    )
    expect(await caught()).toMatch(/alone/)
  })

  it('a copy that is stamped anew', async () => {
    vi.doMock('../../rowlog/copies.ts', async (original) => {
      const real = await original<typeof import('../../rowlog/copies.ts')>()
      return {
        ...real,
        writeCopies: (segments: never, patches: readonly Original[]) => {
          const copies = real.writeCopies(segments, patches)
          const headers = new Set(copies.map(({ segment }) => segment as Segment))
          for (const { header } of headers) Object.assign(header as object, { since: (header?.since ?? 0) + 2048 * 20 })
          return copies
        },
      }
    })
    expect(await caught()).toMatch(/last written|alone/)
  })

  it('a row that shows where it has left', async () => {
    plantInPlacement(
      (Real) =>
        class extends Real {
          override shown(placed: Parameters<InstanceType<typeof Real>['shown']>[0]) {
            return placed?.entry
          }
        },
    )
    expect(await caught()).toMatch(/alone/)
  })

  it('a row read from one of its documents alone', async () => {
    plantInPlacement(
      (Real) =>
        class extends Real {
          override holders(id: string) {
            return super.holders(id).slice(0, 1)
          }
        },
    )
    expect(await caught()).toMatch(/last written|alone/)
  })
})
