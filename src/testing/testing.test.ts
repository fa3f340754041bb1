// Laws of what `merrow/testing` gives to apps.
import { describe, expect, it } from 'vitest'
import { column as c, createDatabase, defineSchema, MerrowError, table } from '../index.ts'
import { checkMerge, createTestClock, createTestNetwork } from './index.ts'

const messageOf = (work: () => void): string => {
  try {
    work()
  } catch (error) {
    if (error instanceof MerrowError && error.code === 'law_broken') return error.message
    throw error
  }
  return 'no law broken'
}

describe('checkMerge', () => {
  const numbers = (random: () => number): number => Math.floor(random() * 100)

  it('[L1] lets functions pass that keep the laws', () => {
    checkMerge(Math.max, { values: numbers })
    checkMerge((a: string, b: string) => (a < b ? a : b), { values: ['', 'a', 'b', 'ab'] })
    checkMerge((a: readonly string[], b) => [...new Set([...a, ...b])].sort(), { values: [[], ['x'], ['x', 'y']] })
    checkMerge((a: { at: Date }, b) => (a.at >= b.at ? a : b), { values: [{ at: new Date(1) }, { at: new Date(2) }] })
  })

  it.each([
    ['commutative', (a: number, _b: number) => a, /merge\(\d+, \d+\) = \d+, but merge/],
    ['associative', (a: number, b: number) => (a === b ? a : Math.round((a + b) / 2)), /merge\(merge\(/],
    ['idempotent', (a: number, b: number) => a + b, /merge\(\d+, \d+\) = \d+/],
    [
      'defined for all values',
      (a: number, b: number) => (Math.max(a, b) > 90 ? (undefined as never) : Math.max(a, b)),
      /gives nothing/,
    ],
  ])('[L2] names the law that a function breaks, the seed, and small values: %s', (law, merge, example) => {
    const message = messageOf(() => checkMerge(merge, { values: numbers }))
    expect(message).toContain(`the function is not ${law}: `)
    expect(message).toMatch(example)
    const seed = Number(/seed: (\d+)/.exec(message)?.[1])
    expect(messageOf(() => checkMerge(merge, { values: numbers, seed }))).toBe(message)
  })

  it('[L3] catches functions that keep something, throw, or change their arguments', () => {
    let calls = 0
    const counting = (a: number, b: number): number => Math.max(a, b) + ++calls
    expect(messageOf(() => checkMerge(counting, { values: numbers }))).toContain('not pure')
    const throwing = (a: number, b: number): number => {
      if (a === 0 || b === 0) throw new Error('no zero')
      return Math.max(a, b)
    }
    expect(messageOf(() => checkMerge(throwing, { values: [0, 1, 2] }))).toMatch(/throws Error: no zero among/)
    const changing = (a: string[], b: string[]): string[] => {
      a.push(...b)
      return a
    }
    expect(messageOf(() => checkMerge(changing, { values: [['x'], ['y']] }))).toContain('throws TypeError')
    expect(() => checkMerge(Math.max, { values: [] })).toThrow('give some values')
  })

  it('[L2] of the values there are, the smallest that break a law are shown', () => {
    const longer = (a: string, b: string): string => (a.length >= b.length ? a : b)
    const values = ['a long one', 'a lang one', 'ab', 'ba', 'c']
    expect(messageOf(() => checkMerge(longer, { values }))).toMatch(/merge\("ab", "ba"\)|merge\("ba", "ab"\)/)
  })
})

describe('createTestNetwork', () => {
  const schema = defineSchema({
    tasks: table({ title: c.string({ conflict: 'ask' }), done: c.boolean().default(false) }),
  })
  const pair = async () => {
    const [network, clock] = [createTestNetwork(), createTestClock()]
    const open = (user: string) => createDatabase({ name: 'test', schema, user, sync: network.sync, now: clock.now })
    return { network, clock, ann: await open('ann'), ben: await open('ben') }
  }

  it('[L4] databases meet when told to, and not before; what they wrote apart is merged', async () => {
    const { network, clock, ann, ben } = await pair()
    const id = ann.tasks.insert({ title: 'start' })
    expect([ben.tasks.get(id), ann.tasks.meta(id)?.delivery]).toEqual([undefined, 'unsent'])
    await network.exchange()
    expect([ben.tasks.get(id)?.title, ann.tasks.meta(id)?.delivery, ann.status.unsent]).toEqual([
      'start',
      'acknowledged',
      0,
    ])
    ann.tasks.update(id, { title: 'by ann' })
    clock.nowMs += 1
    ben.tasks.update(id, { title: 'by ben' })
    await network.exchange()
    for (const db of [ann, ben]) {
      expect(db.tasks.get(id)?.title).toBe('by ben')
      expect(db.conflicts.list()[0]?.writes.map(({ author }) => author)).toEqual(['ann', 'ben'])
    }
  })

  it('[L4] an exchange carries what waits to be committed with more, too', async () => {
    const network = createTestNetwork()
    const open = (user: string) => createDatabase({ name: 'test', schema, user, sync: network.sync })
    const [ann, ben] = [await open('ann'), await open('ben')]
    for (let turn = 0; turn < 5; turn++) {
      const id = ann.tasks.insert({ title: `written in turn ${turn}` })
      await network.exchange()
      expect(ben.tasks.get(id)?.title).toBe(`written in turn ${turn}`)
    }
  })

  it('[L5] one that is disconnected, or closed, has no part; acknowledged() waits for an exchange', async () => {
    const { network, ann, ben } = await pair()
    ben.disconnect()
    const id = ann.tasks.insert({ title: 'a' })
    const acknowledged = ann.acknowledged()
    await network.exchange()
    await acknowledged
    expect([ben.tasks.get(id), ben.status.connection]).toEqual([undefined, 'offline'])
    ben.connect()
    await network.exchange()
    expect(ben.tasks.get(id)?.title).toBe('a')
    const waiting = expect(ben.acknowledged()).rejects.toMatchObject({ code: 'database_closed' })
    await ben.close()
    await waiting
    ann.tasks.update(id, { done: true })
    await network.exchange()
    expect(ann.status.unsent).toBe(0)
  })
})
