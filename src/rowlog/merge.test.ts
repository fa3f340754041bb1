// Laws of the merge, over seeded schedules; and bugs planted in it, which the laws must catch. SEED=n runs that one alone.
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Entry } from './entry.ts'
import {
  checkAssociative,
  checkCommutative,
  checkCompaction,
  checkIdempotent,
  checkLaws,
  checkPackedApart,
  checkRenewed,
} from './testing/laws.ts'
import { firstBroken, forEachSeed, SEEDS } from './testing/seeds.ts'

const timeout = 60_000 + 100 * SEEDS

it(
  '[M1] [M2] [M3] [M4] any schedule converges to what the last writer of each field wrote, and tidies up after itself',
  {
    timeout,
  },
  () => forEachSeed(checkLaws),
)

/** 2736: a row that was staged as new, and meanwhile written elsewhere with a later stamp. */
it.each([2736])('[M4] a seed that broke once: %i', (seed) => checkLaws(seed))

describe('merging is', () => {
  it('[M11] commutative: the order in which updates come changes no row', { timeout }, () =>
    forEachSeed(checkCommutative),
  )

  it('[M12] associative: it changes no row which of them were merged with each other before', { timeout }, () =>
    forEachSeed(checkAssociative),
  )

  it('[M13] idempotent: an update that comes again changes no row', { timeout }, () => forEachSeed(checkIdempotent))
})

it('[M14] several replicas that clear away at once change no row', { timeout }, () => forEachSeed(checkCompaction))

it('[K27] a log goes on with another document as it was', { timeout }, () => forEachSeed(checkRenewed))

it('[K17] the highest of several copies is never given up for a lower one', () => checkPackedApart())

describe('[M5] the laws catch', () => {
  afterEach(() => {
    vi.doUnmock('./segment.ts')
    vi.doUnmock('./entry.ts')
    vi.doUnmock('./segments.ts')
    vi.doUnmock('../stamp.ts')
    vi.resetModules()
  })

  const caught = async (seeds = 200): Promise<string | undefined> => {
    vi.resetModules()
    return firstBroken((await import('./testing/laws.ts')).checkLaws, seeds)
  }

  it('nothing where nothing is planted', async () => {
    expect(await caught(20)).toBeUndefined()
  })

  it('the wrong winner among concurrent writes', async () => {
    vi.doMock('./segment.ts', async (original) => {
      const real = await original<typeof import('./segment.ts')>()
      return {
        ...real,
        comparePatches: (...[a, b]: Parameters<typeof real.comparePatches>) =>
          a.replica < b.replica ? -1 : a.replica > b.replica ? 1 : a.stamp - b.stamp,
      }
    })
    expect(await caught()).toMatch(/own write|last writers/)
  })

  it('a tie that is left to chance', async () => {
    vi.doMock('./segment.ts', async (original) => {
      const real = await original<typeof import('./segment.ts')>()
      return {
        ...real,
        comparePatches: (...[a, b]: Parameters<typeof real.comparePatches>) =>
          Math.floor(a.stamp / 2048 / 60_000) - Math.floor(b.stamp / 2048 / 60_000),
      }
    })
    expect(await caught()).toMatch(/own write|last writers|loading/)
  })

  it('a lost superseding delete', async () => {
    vi.doMock('./entry.ts', async (original) => {
      const real = await original<typeof import('./entry.ts')>()
      return {
        ...real,
        superseded: (entry: Entry) => (real.superseded(entry).length > 1 ? real.superseded(entry).slice(1) : []),
      }
    })
    expect(await caught()).toContain('superseded')
  })

  it('a delete of a patch that still shows', async () => {
    vi.doMock('./entry.ts', async (original) => {
      const real = await original<typeof import('./entry.ts')>()
      return { ...real, superseded: ({ patches }: Entry) => patches.slice(0, -1) }
    })
    expect(await caught()).toMatch(/last writers|own write/)
  })

  it('dropping a segment that its writer has not sealed', async () => {
    vi.doMock('./segments.ts', async (original) => {
      const real = await original<typeof import('./segments.ts')>()
      class Hasty extends real.Segments {
        override noteShrunk(segment: Parameters<InstanceType<typeof real.Segments>['noteShrunk']>[0]): void {
          if (segment.live === 0) segment.sealed = true
          super.noteShrunk(segment)
        }
      }
      return { ...real, Segments: Hasty }
    })
    expect(await caught(1000)).toMatch(/last writers/)
  })

  it('a purge that what was there before survives', async () => {
    vi.doMock('./entry.ts', async (original) => {
      const real = await original<typeof import('./entry.ts')>()
      return { ...real, isCreated: ({ patches }: Entry) => patches.some(({ shape }) => shape.fields.has('createdAt')) }
    })
    expect(await caught()).toMatch(/last writers|own write/)
  })

  it('a clock that takes no note of the stamps it sees', async () => {
    vi.doMock('../stamp.ts', async (original) => {
      const real = await original<typeof import('../stamp.ts')>()
      class Deaf extends real.StampClock {
        override see(): void {}
      }
      return { ...real, StampClock: Deaf }
    })
    expect(await caught()).toMatch(/last writers|own write/)
  })

  it('a segment that is sealed and never dropped', async () => {
    vi.doMock('./segments.ts', async (original) => {
      const real = await original<typeof import('./segments.ts')>()
      class Hoarder extends real.Segments {
        override dropEmpty(): number {
          return 0
        }
      }
      return { ...real, Segments: Hoarder }
    })
    expect(await caught(1000)).toMatch(/without a live patch|superseded/)
  })

  it('packing that counts the copy packed first', async () => {
    vi.doMock('./segment.ts', async (original) => {
      const real = await original<typeof import('./segment.ts')>()
      return {
        ...real,
        comparePatches: (...[a, b]: Parameters<typeof real.comparePatches>) =>
          a.stamp === b.stamp && a.replica === b.replica ? -real.comparePatches(a, b) : real.comparePatches(a, b),
      }
    })
    vi.resetModules()
    const { checkPackedApart: check } = await import('./testing/laws.ts')
    expect(check).toThrow('lost rows')
  })
})
