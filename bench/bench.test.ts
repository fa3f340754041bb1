// Holds what the bench says of sizes, at a scale that takes no time. Measures no times.
import { describe, expect, it } from 'vitest'
import type { BenchCase, CaseResult } from './bench-case.ts'
import { Checksum, createData } from './data.ts'
import { caseNames, loadCase, loadPeer, peerNames } from './folder.ts'
import { summarize } from './measure.ts'
import { propertyTests, runsOf } from './nightly.ts'
import { findings } from './report.ts'

const ROWS = 2000
const SEED = 1

const measureOnce = async (benchCase: BenchCase, peers: readonly string[]): Promise<CaseResult> => {
  const result: Record<string, CaseResult[string]> = {}
  for (const peer of peers) {
    const setting = { rows: ROWS, seed: SEED, readStored: async () => new Uint8Array() }
    const figures = await benchCase.measure(await loadPeer(peer), setting)
    result[peer] = Object.fromEntries(Object.entries(figures).map(([figure, value]) => [figure, summarize([value])]))
  }
  return result
}

describe('bench', () => {
  it('finds its cases and peers in their folders', () => {
    expect(caseNames()).toEqual(expect.arrayContaining(['growth', 'heap', 'load', 'size', 'write']))
    expect(peerNames()).toEqual(expect.arrayContaining(['merrow', 'nested-ymap', 'plain-map']))
  })

  it('runs every property test by night, with the seeds it is told', () => {
    expect(propertyTests()).toEqual(
      expect.arrayContaining([
        'src/backend/history.test.ts',
        'src/query/model.test.ts',
        'src/rowlog/block.test.ts',
        'src/rowlog/merge.test.ts',
        'src/rowlog/stored-lists.test.ts',
        'src/table/conflicts.test.ts',
        'src/table/lenses.test.ts',
        'src/table/planted.test.ts',
        'src/table/undo.test.ts',
        'src/whole.test.ts',
      ]),
    )
    expect(runsOf(10_000)[0]).toMatchObject({ command: ['vitest', 'run', ...propertyTests()], env: { SEEDS: '10000' } })
  })

  it('makes the same rows of the same seed', () => {
    expect(createData(SEED).rows(10)).toEqual(createData(SEED).rows(10))
    expect(createData(SEED).rows(1)).not.toEqual(createData(SEED + 1).rows(1))
  })

  it('stores fresh rows in at most 0.8 of their JSON', async () => {
    const size = await loadCase('size')
    const found = findings('size', size, await measureOnce(size, ['merrow', 'plain-map']))
    expect(found).toMatchObject([{ isMet: true, yardstick: { median: expect.closeTo(148.6, 0) } }])
    expect(found[0]?.ratio).toBeLessThan(0.8)
  })

  it.each(peerNames())('reads back what %s has stored', async (name) => {
    const peer = await loadPeer(name)
    const rows = createData(SEED).rows(ROWS)
    const expected = new Checksum()
    rows.forEach(expected.add)
    const table = await peer.create()
    table.insertMany(rows)
    const loaded = await peer.load(await table.store())
    const read = new Checksum()
    loaded.readAll(read.add)
    expect({ ...read, add: 0 }).toEqual({ ...expected, add: 0 })
    expect(table.heard).toBe(ROWS)
  })
})
