// What cells of text mean for columns. SEED=n replays.
import * as prng from 'lib0/prng'
import { expect, it } from 'vitest'
import { column as c } from '../../../src/index.ts'
import { forEachSeed, seedsOr } from '../../../src/rowlog/testing/seeds.ts'
import { CellFault, textCell } from './cells.ts'

const NUMBERS = seedsOr(2000)
const EDGES = [
  ...[
    '0',
    '-0',
    '00',
    '0.0',
    '-0.0',
    '.5',
    '-.5',
    '5.',
    '+5',
    ' 5 ',
    '1e3',
    '-1E-3',
    '4.35',
    '0.07',
    '99999999999999.9',
  ],
  ...['123456789012345', '1234567890123456', '9007199254740993', '0.000000000000001', '0.30000000000000004', '1e308'],
]
const NONE = [
  '-',
  '.',
  '-.',
  ' ',
  '0x1f',
  ' 0b1',
  '0o7',
  '1,5',
  '1.2.3',
  '--1',
  '1_0',
  'NaN',
  'Infinity',
  '1e309',
  '\u0663',
]

it('[X20] a cell of a number is the number that it is in JavaScript, to the last bit', async () => {
  const read = textCell(c.number() as never)
  for (const text of EDGES) expect(read(text), text).toBe(Number(text))
  for (const text of NONE) expect(read(text), text).toBeInstanceOf(CellFault)
  await forEachSeed((seed) => {
    const random = prng.create(seed)
    const digits = Array.from({ length: prng.int31(random, 1, 17) }, () => prng.int31(random, 0, 9)).join('')
    const at = prng.int31(random, 1, digits.length)
    const point = at < digits.length ? '.' : ''
    const text = `${prng.bool(random) ? '-' : ''}${digits.slice(0, at)}${point}${digits.slice(at)}`
    expect(read(text), text).toBe(Number(text))
  }, NUMBERS)
})
