// Laws of the schema layer: what is taken, what is refused, and how that is said.
import { expect, it } from 'vitest'
import { z } from 'zod'
import { column as c, defineSchema, table } from './index.ts'
import { errorOf } from './testing/thrown.ts'

const tasks = table({
  title: c.string(),
  done: c.boolean().default(false),
  priority: c.number().default(0),
  level: c.enum(['low', 'high']).optional(),
  dueAt: c.date().optional(),
  meta: c.json().optional(),
  email: c.from(z.email()).optional(),
})

const insertFault = (row: object): string => errorOf(() => tasks.storeInsert('tasks', { title: 'T', ...row })).message

it('[S1] an insert stores every column, defaults filled in, dates as numbers', () => {
  const { columns, values } = tasks.storeInsert('tasks', { title: 'T', dueAt: new Date(5), meta: { a: [1] } })
  expect(Object.fromEntries(columns.map((name, at) => [name, values[at]]))).toEqual({
    title: 'T',
    done: false,
    priority: 0,
    level: undefined,
    dueAt: 5,
    meta: { a: [1] },
    email: undefined,
  })
})

it('[S2] a refused write is one error that names table, column, value and cure, of all faults', () => {
  const error = errorOf(() => tasks.storeInsert('tasks', { title: 5, priority: Number.NaN, colour: 'red' }))
  expect(error.code).toBe('invalid_value')
  expect(error.table).toBe('tasks')
  expect(error.faults.map(({ column }) => column).sort()).toEqual(['colour', 'priority', 'title'])
  expect(error.message).toContain('column "title" = 5: Give a string.')
  expect(error.message).toContain('There is no such column; the columns are title, done')
})

it('[S2] a missing required column is refused, an optional one is cleared by undefined', () => {
  expect(errorOf(() => tasks.storeInsert('tasks', {})).message).toContain('It is required: give a string.')
  expect(errorOf(() => tasks.storePatch('tasks', 'x', { title: undefined })).message).toContain('It is required')
  expect(tasks.storePatch('tasks', 'x', { dueAt: undefined })).toEqual({
    columns: ['dueAt'],
    values: [undefined],
  })
})

it.each([
  ['done', 'yes', 'Give true or false.'],
  ['priority', Number.POSITIVE_INFINITY, 'Give a finite number.'],
  ['level', 'middle', 'Give one of "low", "high".'],
  ['dueAt', new Date(Number.NaN), 'Give a valid Date'],
  ['dueAt', '2026-01-01', 'Give a valid Date'],
  ['email', 'nobody', 'email'],
  ['title', 'half \ud800', 'surrogate'],
  ['title', 'x'.repeat(1_000_001), 'at most 1000000'],
  ['meta', { at: new Date() }, 'not a plain object'],
  ['meta', { n: 1n }, 'bigint'],
  ['meta', [Number.NaN], 'JSON cannot hold'],
  ['meta', JSON.parse('{"__proto__":1}'), 'Rename'],
])('[S3] column %s refuses %o', (column, value, reason) => {
  expect(insertFault({ [column]: value })).toContain(reason)
})

it('[S3] a cyclic or huge JSON value is refused', () => {
  const cycle: Record<string, unknown> = {}
  cycle['self'] = cycle
  expect(insertFault({ meta: cycle })).toContain('contains itself')
  expect(insertFault({ meta: new Array(1_000_001).fill(0) })).toContain('larger than')
})

it('[S4] stored JSON is a frozen copy', () => {
  const given = { list: [1] }
  const { columns, values } = tasks.storeInsert('tasks', { title: 'T', meta: given })
  const stored = values[columns.indexOf('meta')] as { list: number[] }
  given.list.push(2)
  expect(stored).toEqual({ list: [1] })
  expect(Object.isFrozen(stored) && Object.isFrozen(stored.list)).toBe(true)
})

it('[S5] a date is read as a Date whose setters throw', () => {
  const date = c.date().type.read(5) as Date
  expect(date.getTime()).toBe(5)
  expect(date instanceof Date).toBe(true)
  expect(() => date.setTime(6)).toThrow('read-only')
  expect(new Date(date).setTime(6)).toBe(6)
})

it('[S6] a Standard Schema validator transforms what is stored; an asynchronous one is refused', () => {
  const trimmed = table({ name: c.from(z.string().trim()) })
  expect(trimmed.storeInsert('t', { name: ' a ' }).values).toEqual(['a'])
  const slow = table({ name: c.from(z.string().refine(async () => true)) })
  expect(() => slow.storeInsert('t', { name: 'a' })).toThrow(/synchronous/i)
})

it('[S7] a schema that contradicts itself is refused where it is written', () => {
  expect(() => table({ id: c.string() })).toThrow('every row has that of its own')
  expect(() => table({ 'bad name': c.string() })).toThrow('cannot be called')
  expect(() => c.enum([])).toThrow('at least one value')
  expect(() => c.enum(['a', 'a'])).toThrow('no value twice')
  expect(() => c.number().default(Number.NaN)).toThrow('is not a number')
  expect(() => (c.string().optional() as never as ReturnType<typeof c.string>).default('a')).toThrow('not both')
  expect(() => defineSchema({})).toThrow('at least one table')
  expect(() => defineSchema({ 'a/b': tasks })).toThrow('cannot be called')
  expect(() => defineSchema({ tasks: table({ projectId: c.ref('projects') }) })).toThrow('refers to table "projects"')
  expect(() => defineSchema({ tasks: { title: c.string() } as never })).toThrow('declare it with table')
})
