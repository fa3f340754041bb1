// CSV to records: against another reader, over all ways to cut the text, and over broken quotes.
import { parse } from 'csv-parse/sync'
import * as prng from 'lib0/prng'
import { expect, it } from 'vitest'
import { type CsvOptions, CsvReader } from './csv-reader.ts'
import { type RecordSink, textOf } from './record.ts'

type Found = readonly [line: number, ...cells: string[]]

const read = (pieces: readonly string[], options: CsvOptions = {}) => {
  const found: Found[] = []
  const broken: { line: number; raw: string; reason: string }[] = []
  let header: readonly string[] = []
  const sink: RecordSink = {
    columns: (names) => (header = names),
    cells: (cells, { line }) => void found.push([line, ...cells.map(textOf)]),
    object: () => {},
    broken: (reason, place) => void broken.push({ ...place, reason }),
  }
  const reader = new CsvReader(sink, options)
  for (const piece of pieces) reader.feed(piece)
  reader.end()
  return { header, found, broken }
}

const SIGNS = ['a', 'b c', '"', ',', '\n', '\r\n', 'é', '😀', '', '']
const LINE_ENDS = ['\n', '\r\n']

const randomCsv = (seed: number): string => {
  const random = prng.create(seed + 1)
  const lineEnd = prng.oneOf(random, LINE_ENDS)
  const cell = (): string => {
    const text = Array.from({ length: prng.int31(random, 0, 4) }, () => prng.oneOf(random, SIGNS)).join('')
    return /[",\r\n]/.test(text) || prng.bool(random) ? `"${text.replaceAll('"', '""')}"` : text
  }
  const line = (): string =>
    [
      `x${cell()
        .replaceAll('"', '')
        .replaceAll(/[,\r\n]/g, '')}`,
      cell(),
      cell(),
    ].join(',')
  const lines = Array.from({ length: prng.int31(random, 1, 8) }, line)
  return ['one,two,three', ...lines].join(lineEnd) + (prng.bool(random) ? lineEnd : '')
}

const SEEDS =
  process.env['SEED'] === undefined ? Array.from({ length: 500 }, (_, n) => n) : [Number(process.env['SEED'])]

it('[X5] reads what another reader reads, with the same lines, however the text is cut', () => {
  for (const seed of SEEDS) {
    const text = randomCsv(seed)
    const expected = parse(text, { bom: true, from_line: 1 }) as string[][]
    const { header, found, broken } = read([text])
    expect([header, ...found.map(([, ...cells]) => cells)], `SEED=${seed}`).toEqual(expected)
    expect(broken, `SEED=${seed}`).toEqual([])
    const starts = found.map(([line, first]) => text.split('\n')[line - 1]?.startsWith(first ?? ''))
    expect(starts, `SEED=${seed}`).not.toContain(false)
    expect(read([...text]), `SEED=${seed}`).toEqual(read([text]))
  }
})

it('[X4] a broken quote costs the line where it stands, and what follows is read afresh', () => {
  const { found, broken } = read(['a,b\n1,"open\n2,two\n3,"quoted, two"\n4,st"ray\n5,"x"y\n6,six\n7,"open'])
  expect(found).toEqual([
    [3, '2', 'two'],
    [4, '3', 'quoted, two'],
    [7, '6', 'six'],
  ])
  expect(broken.map(({ line, raw }) => [line, raw])).toEqual([
    [2, '1,"open'],
    [5, '4,st"ray'],
    [6, '5,"x"y'],
    [8, '7,"open'],
  ])
})

it('[X4] a record with too many or too few cells is refused as a whole', () => {
  const { found, broken } = read(['a,b\n1\n2,"x\ny",3\n4,5\n'])
  expect(found).toEqual([[5, '4', '5']])
  expect(broken.map(({ line, raw }) => [line, raw])).toEqual([
    [2, '1'],
    [3, '2,"x\ny",3'],
  ])
})

it('[X5] finds the delimiter in the first line, unless it is told', () => {
  expect(read(['"a,b";c\n1;2\n']).header).toEqual(['a,b', 'c'])
  expect(read(['a\tb\n1\t2\n']).found).toEqual([[2, '1', '2']])
  expect(read(['a,b;c\n1,2;3\n'], { delimiter: ',' }).header).toEqual(['a', 'b;c'])
})

it('[X7] a line beyond the bound ends the reading; an open quote costs its line alone', () => {
  const bound = { maxRecordLength: 1000 }
  const long = Array.from({ length: 20 }, () => 'x'.repeat(100))
  expect(() => read(['a,b\n', ...long], bound)).toThrow(/Line 2 is longer than 1000/)
  const rows = Array.from({ length: 300 }, (_, n) => `${n},row\n`)
  const { found, broken } = read(['a,b\n', '1,"open\n', ...rows], bound)
  expect(broken.map(({ line }) => line)).toEqual([2])
  expect(found).toHaveLength(300)
})

it('[X5] an empty file, or one that begins with a broken line, names no columns', () => {
  expect(() => read([''])).toThrow(/empty/)
  expect(() => read(['a,"b\n1,2\n'])).toThrow(/Line 1 must name the columns/)
})
