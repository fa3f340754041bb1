// `merrow import` and `merrow export` on real stores and relays.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createDatabase } from '../../src/index.ts'
import { relay } from '../../src/sync/index.ts'
import { runMerrow, startRelay } from '../testing/relay.ts'
import { createBench, SCHEMA_FILE } from './testing/run.ts'
import { schema } from './testing/schema.ts'

const names = (bench: ReturnType<typeof createBench>) =>
  bench.read((db) =>
    db.people
      .all()
      .map(({ name }) => name)
      .sort(),
  )

it('[X1] imports all records or, when one is refused, none', async () => {
  const bench = createBench()
  const file = bench.write('p.csv', 'name,age\nAnn,30\nBen,old\nCid,\n')
  const refused = await bench.import(file)
  expect(refused.code).toBe(3)
  expect(refused.text).toContain('line 3, column "age": Give a number like 1234.5, not "old".')
  expect(refused.text).toContain('Nothing imported')
  expect(await names(bench)).toEqual([])
  expect((await bench.import(file, '--skip-refused')).code).toBe(3)
  expect(await names(bench)).toEqual(['Ann', 'Cid'])
})

it('[X2] reports every refused record of many, by line, column and reason', async () => {
  const bench = createBench()
  const lines = Array.from({ length: 5000 }, (_, n) => `City ${n},${n}`)
  const broken = Array.from({ length: 100 }, (_, n) => n * 49)
  broken.forEach(
    (n, at) => (lines[n] = [`City ${n},many`, `City ${n}`, `City ${n},1,2`, `"City ${n},1`][at % 4] as string),
  )
  const report = join(bench.folder, 'refused.csv')
  const file = bench.write('cities.csv', `name,population\n${lines.join('\n')}\n`)
  const { code, text } = await bench.import(file, '--table', 'cities', '--report', report, '--skip-refused')
  expect([code, text]).toEqual([3, expect.stringContaining('4900 inserted; 100 of 5000 records refused')])
  const notes = readFileSync(report, 'utf8').match(/^#merrow: line \d+/gm) ?? []
  expect(notes.map((note) => Number(note.slice(14)))).toEqual(broken.map((n) => n + 2))
  expect(await bench.read((db) => db.cities.all().length)).toBe(4900)
})

it('[X3] the report holds records as they stood, and imports once mended', async () => {
  const bench = createBench()
  const report = join(bench.folder, 'refused.csv')
  const bad = Buffer.concat([
    Buffer.from('name,age\nAnn,30\nBe'),
    Buffer.of(0xe9),
    Buffer.from(',1\nCid,old\n"Dan,4\n'),
  ])
  await bench.import(bench.write('p.csv', bad), '--skip-refused', '--report', report)
  const written = readFileSync(report)
  expect(written.includes(Buffer.of(0x42, 0x65, 0xe9, 0x2c))).toBe(true)
  const mended = written.toString('latin1').replace('Be\xe9', 'Ben').replace(',old', ',5').replace('"Dan', 'Dan')
  expect(await bench.import(bench.write('mended.csv', mended))).toMatchObject({ code: 0 })
  expect(await names(bench)).toEqual(['Ann', 'Ben', 'Cid', 'Dan'])
})

it('[X6] a byte order mark, or --encoding, says how the bytes are read', async () => {
  const bench = createBench()
  const text = '\uFEFFname,age\nZoë 😀,3\n'
  const utf16be = Buffer.from(text, 'utf16le').swap16()
  for (const bytes of [Buffer.from(text), Buffer.from(text, 'utf16le'), utf16be])
    expect(await bench.import(bench.write('p.csv', bytes))).toMatchObject({ code: 0 })
  expect(
    await bench.import(bench.write('l.csv', Buffer.from('name\nZoë\n', 'latin1')), '--encoding', 'latin1'),
  ).toMatchObject({ code: 0 })
  expect(await names(bench)).toEqual(['Zoë', 'Zoë 😀', 'Zoë 😀', 'Zoë 😀'])
  const unmarked = await bench.import(bench.write('u.csv', Buffer.from('name\nAnn\n', 'utf16le')))
  expect(unmarked).toMatchObject({ code: 1, text: expect.stringContaining('--encoding utf-16le') })
  const wrong = await bench.import(bench.write('w.csv', Buffer.of(0x6e, 0x0a, 0x80, 0xff)), '--encoding', 'shift_jis')
  expect(wrong).toMatchObject({ code: 1, text: expect.stringContaining('shift_jis') })
})

it('[X7] a line that never ends is an error, and nothing is imported', async () => {
  const bench = createBench()
  const file = bench.write('p.csv', `name\nAnn\n${'x'.repeat(17 * 1024 * 1024)}`)
  expect(await bench.import(file, '--skip-refused')).toMatchObject({
    code: 1,
    text: expect.stringMatching(/^Line 3 is longer/),
  })
  expect(await names(bench)).toEqual([])
})

it('[X8] cells become values by their columns', async () => {
  const bench = createBench()
  const file = bench.write(
    'p.csv',
    [
      'name,email,age,active,born,role,tags,scores,more,visits',
      'Ann,"",-1.5e3,no,2026-03-01,admin,b;a,[2],"{""a"":[1]}",7',
      'Ben,,,,1767225600000,,"[""x;y""]",3; 1,,',
      'Cid,,0x1f,perhaps,2026-02-30,boss,,x,{,1',
    ].join('\n'),
  )
  const { text } = await bench.import(file, '--skip-refused')
  expect([...text.matchAll(/line 4, column "(\w+)"/g)].map(([, column]) => column)).toEqual([
    'age',
    'active',
    'born',
    'more',
  ])
  const [ann, ben] = await bench.read((db) => db.people.all().sort((a, b) => (a.name < b.name ? -1 : 1)))
  expect(ann).toMatchObject({
    email: '',
    age: -1500,
    active: false,
    role: 'admin',
    tags: ['a', 'b'],
    scores: [2],
    visits: 7,
  })
  expect(ann).toMatchObject({ born: new Date('2026-03-01'), more: { a: [1] } })
  expect(ben).toMatchObject({
    active: true,
    role: 'guest',
    tags: ['x;y'],
    scores: [1, 3],
    born: new Date(1767225600000),
  })
  expect([ben?.email, ben?.age, ben?.more]).toEqual([undefined, undefined, undefined])
})

it('[X9] names all columns that do not fit before it reads a record', async () => {
  const bench = createBench()
  const file = bench.write('p.csv', 'Full name,age,age,Notes,\nAnn,30,1,x,\n')
  const { code, text } = await bench.import(file, '--map', 'Nick=email')
  expect(code).toBe(1)
  for (const words of ['"Full name"', '"Notes"', 'both "age"', 'Column 5', '"Nick"', '"name" is required'])
    expect(text).toContain(words)
  const good = bench.write('q.csv', 'Full name,Notes\nAnn,x\n')
  expect(await bench.import(good, '--map', 'Full name=name', '--ignore', 'Notes')).toMatchObject({ code: 0 })
  expect(await names(bench)).toEqual(['Ann'])
})

it('[X10] with a key it changes the rows that are there, and inserts the others', async () => {
  const bench = createBench()
  await bench.import(bench.write('p.csv', 'name,email,age\nAnn,a@x,1\nBen,b@x,2\nOld,o@x,9\n'))
  const file = bench.write('q.csv', 'email,name,age\na@x,Anna,1\nb@x,Ben,2\nc@x,Cid,3\nc@x,Double,4\n,None,5\n')
  const { text } = await bench.import(file, '--key', 'email', '--skip-refused')
  expect(text).toContain('line 5, column "email": Line 4 has "c@x" already.')
  expect(text).toContain('line 6, column "email": It is the key')
  expect(text).toContain('1 inserted, 1 changed, 1 as they were; 2 of 5 records refused')
  expect(await names(bench)).toEqual(['Anna', 'Ben', 'Cid', 'Old'])
  const again = await bench.import(bench.write('r.csv', 'email,name,age\na@x,Anna,1\n'), '--key', 'email')
  expect(again.text).toContain('0 inserted, 0 changed, 1 as they were')
})

it('[X10] without a key, an id that is taken is refused', async () => {
  const bench = createBench()
  const file = bench.write('p.csv', 'id,name\np1,Ann\np2,Ben\np1,Cid\n')
  expect((await bench.import(file)).text).toContain('line 4, column "id"')
  await bench.import(file, '--skip-refused')
  expect((await bench.import(file)).text).toContain('3 of 3 records refused')
  expect(await bench.read((db) => db.people.get('p1')?.name)).toBe('Ann')
})

it.each(['csv', 'ndjson', 'json'])('[X11] what is exported as %s imports to equal rows', async (format) => {
  const bench = createBench()
  await bench.read(async (db) => {
    db.people.insert({ name: 'Zoë "Z", 😀\r\n', email: '', age: -0.1, tags: ['a,b', ''], scores: [2, 1], more: null })
    db.people.insert({ name: '', born: new Date(1), more: { deep: ['x', 'y'] }, active: false, visits: 3 })
    db.people.delete(db.people.insert({ name: '#merrow: line 1', email: 'null' }))
    await db.saved()
  })
  const file = join(bench.folder, `out.${format}`)
  expect(await bench.export(file, '--with-deleted')).toMatchObject({ code: 0, text: expect.stringContaining('3 rows') })
  const copy = join(bench.folder, 'copy')
  expect(await bench.import(file, '--store', copy, '--with-deleted')).toMatchObject({ code: 0 })
  const rows = (path: string) =>
    bench.read((db) => {
      const all = [...db.people.rows({ withDeleted: true })].sort((a, b) => (a.id < b.id ? -1 : 1))
      return all.map(({ createdAt: _c, updatedAt: _u, updatedBy: _b, deletedAt, ...row }) => ({
        ...row,
        gone: deletedAt !== undefined,
      }))
    }, path)
  expect(await rows(copy)).toEqual(await rows(bench.store))
  expect((await rows(copy)).filter(({ gone }) => gone)).toHaveLength(1)
})

it('[X19] values that no two rows may have are refused line by line, whoever has them', async () => {
  const bench = createBench()
  const members = (content: string, ...args: string[]) =>
    bench.import(bench.write('m.csv', content), '--table', 'members', ...args)
  const header = 'id,email,team,seat,since\n'
  const clashes = `${header}a,a@x,red,1,2026-01-01\nb,b@x,,1,\nc,a@x,blue,,\nd,,blue,,2026-01-01T00:00:00Z\ne,,blue,,\nf,,blue,,\n`
  for (const args of [['--dry-run'], ['--skip-refused']]) {
    const { code, text } = await members(clashes, ...args)
    expect([code, text]).toEqual([3, expect.stringContaining('3 of 6 records refused')])
    expect(text).toMatch(/line 3, column "team, seat": No two rows may have the same, and line 2 has it already/)
    expect(text).toMatch(/line 4, column "email": .* line 2 has it already.*--key email/)
    expect(text).toMatch(/line 5, column "since": .*line 2 has/)
  }
  expect((await members(`${header}g,a@x,,,\n`)).text).toMatch(/line 2, column "email": .* row "a" has it already/)
  // What one gives up another may take, in this order alone.
  const byId = (content: string) => members(`id,email\n${content}`, '--key', 'id')
  expect((await byId('a,n@x\ne,a@x\n')).text).toContain('0 inserted, 2 changed')
  expect((await byId('a,a@x\ne,n@x\n')).text).toMatch(/line 2, column "email": .*row "e" has it already/)
  const deleted = (content: string) => members(`id,email,deletedAt\n${content}`, '--key', 'id', '--with-deleted')
  expect((await deleted('a,n@x,2026-01-01\nf,n@x,\n')).code).toBe(0)
  expect((await deleted('a,n@x,\n')).text).toMatch(/line 2, column "email": .*row "f" has it already/)
  const all = await bench.read((db) => db.members.all().map(({ id, email }) => `${id} ${email}`))
  expect(all.sort()).toEqual(['e a@x', 'f n@x'])
})

it('[X11] a cell that a spreadsheet would run is marked if asked for', async () => {
  const bench = createBench()
  await bench.import(bench.write('p.csv', 'name,age\n=cmd(),-3\n'))
  const [plain, safe] = [join(bench.folder, 'a.csv'), join(bench.folder, 'b.csv')]
  await bench.export(plain)
  await bench.export(safe, '--formula-safe')
  expect(readFileSync(plain, 'utf8')).toContain(',=cmd(),,-3,')
  expect(readFileSync(safe, 'utf8')).toContain(",'=cmd(),,-3,")
})

it('[X12] imports through a relay, until it is acknowledged; keys see what the relay holds', async () => {
  const bench = createBench()
  const { url } = await startRelay()
  const to = ['--relay', url]
  expect(await bench.import(bench.write('p.csv', 'name,email\nAnn,a@x\n'), ...to)).toMatchObject({ code: 0 })
  const again = await bench.import(bench.write('q.csv', 'name,email\nAnna,a@x\nBen,b@x\n'), ...to, '--key', 'email')
  expect(again.text).toContain('1 inserted, 1 changed')
  const db = await createDatabase({ name: 'acme', schema, sync: relay({ url }) })
  await db.synced()
  expect(
    db.people
      .all()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['Anna', 'Ben'])
  await db.close()
})

it('[X12] a relay that does not answer, or refuses, is an error', async () => {
  const bench = createBench()
  const file = bench.write('p.csv', 'name\nAnn\n')
  const silent = await bench.import(file, '--relay', 'ws://127.0.0.1:1', '--timeout', '0.2')
  expect(silent).toMatchObject({ code: 1, text: expect.stringContaining('did not answer within 0.2 s') })
  const { url } = await startRelay({ token: 'a-token-of-many-characters' })
  expect(await bench.import(file, '--relay', url)).toMatchObject({ code: 1, text: expect.stringMatching(/token/i) })
  expect(await bench.import(file, '--relay', url, '--token=x')).toMatchObject({
    code: 1,
    text: expect.stringContaining('MERROW_TOKEN'),
  })
})

it('[X13] a dry run writes nothing, and makes no store', async () => {
  const bench = createBench()
  const file = bench.write('p.csv', 'name,email\nAnn,a@x\n')
  for (const key of [[], ['--key', 'email']])
    expect((await bench.import(file, '--dry-run', ...key)).text).toMatch(
      /^Dry run, nothing written: people would have 1 ins/,
    )
  expect(existsSync(bench.store)).toBe(false)
  expect(await bench.export('-')).toMatchObject({
    code: 1,
    text: expect.stringContaining('no store'),
  })
})

it('[X15] says what is wrong with a schema, and with arguments, all at once', async () => {
  const bench = createBench()
  const file = bench.write('p.csv', 'name\nAnn\n')
  const none = bench.write('none.mjs', 'export const other = 1')
  const wrong = bench.write('wrong.mjs', 'export default { tables: { people: {} } }')
  const said = async (...args: string[]) => (await bench.import(file, ...args)).text
  expect(await bench.import(file, '--table', 'nobody')).toMatchObject({
    code: 1,
    text: expect.stringContaining('people, cities'),
  })
  for (const [module, words] of [
    [none, 'neither'],
    [wrong, 'defineSchema'],
    ['nix.js', 'no such file'],
  ] as const)
    expect(await said('--schema', module)).toMatch(new RegExp(`^Schema .*${words}`))
  expect((await said('--colour', '--delimiter', 'xx', '--map', 'a', '--format', 'xls')).split('\n')).toHaveLength(4)
})

it('[X16] JSON is read record by record, as lines or as one array', async () => {
  const bench = createBench()
  const lines = bench.write(
    'p.ndjson',
    '{"name":"Ann","born":"2026-03-01","age":null}\n\n{"name":1}\n{"name":\n[1]\n{"name":"Ben","x":1}\n',
  )
  const { text } = await bench.import(lines, '--skip-refused')
  expect([...text.matchAll(/line (\d+)(?:, column "(\w+)")?:/g)].map(([, line, column]) => [line, column])).toEqual([
    ['3', 'name'],
    ['4', undefined],
    ['5', undefined],
    ['6', 'x'],
  ])
  const array = bench.write('p.json', '[\n {"name": "C]\\"{id",\n "tags": ["x"]},\n {"age": 1},\n 7 ]\n')
  const report = join(bench.folder, 'r.ndjson')
  const second = await bench.import(array, '--skip-refused', '--report', report)
  expect([...second.text.matchAll(/line (\d+)/g)].map(([, line]) => line)).toEqual(['4', '5'])
  expect(await names(bench)).toEqual(['Ann', 'C]"{id'])
  const mended = readFileSync(report, 'utf8').replace('"age": 1', '"name": "Dan"').replace(/^7$/m, '')
  expect(await bench.import(bench.write('m.ndjson', mended))).toMatchObject({ code: 0 })
  for (const broken of ['[{"name":"A"}', '{"name":"A"}', '[] x', ''])
    expect(await bench.import(bench.write('b.json', broken))).toMatchObject({ code: 1 })
  expect(await names(bench)).toEqual(['Ann', 'C]"{id', 'Dan'])
})

it('[X1] runs as a process, from standard input', async () => {
  const bench = createBench()
  const args = [
    'import',
    '-',
    '--format',
    'csv',
    '--table',
    'people',
    '--schema',
    SCHEMA_FILE,
    '--db',
    'acme',
    '--store',
    bench.store,
  ]
  const run = runMerrow(args)
  run.child.stdin?.end('name\nAnn\n')
  expect(await run.ended).toBe(0)
  expect(run.output).toEqual({ stdout: 'Imported into people: 1 inserted.\n', stderr: '' })
  expect(await names(bench)).toEqual(['Ann'])
})

it('[X18] makes Snowflakes for records without an id if asked, and takes those that are given as text', async () => {
  const bench = createBench()
  expect(await bench.import(bench.write('p.csv', 'name\nAnn\nBen\n'), '--ids', 'snowflake:5')).toMatchObject({
    code: 0,
  })
  const given = bench.write('p.ndjson', '{"id":"2114123456789012345","name":"Cid"}\n')
  expect(await bench.import(given, '--ids', 'snowflake')).toMatchObject({ code: 0 })
  const ids = await bench.read((db) => db.people.all().map(({ id }) => id))
  expect(ids.every((id) => /^\d{19}$/.test(id))).toBe(true)
  expect(ids.filter((id) => ((BigInt(id) >> 12n) & 1023n) === 5n)).toHaveLength(2)
  expect(ids).toContain('2114123456789012345')
  // JSON reads a number of 19 digits rounded: such an id is no text, and refused.
  const rounded = await bench.import(bench.write('n.ndjson', '{"id":2114123456789012345,"name":"Dan"}\n'))
  expect([rounded.code, rounded.text]).toEqual([3, expect.stringContaining('column "id": Give a string')])
  for (const scheme of ['snowflake:1024', 'ulid'])
    expect((await bench.import(given, '--ids', scheme)).text).toContain('is not uuid, snowflake or snowflake:<worker>')
})
