// Laws of row ids.
import { expect, it } from 'vitest'
import { createIdSource, createPackedIdSource, packId, randomName, systemRandom, unpackId } from './ids.ts'

it('[I1] ids are UUIDv7 of their time, each above the last, even when the clock goes back', () => {
  let nowMs = 1_700_000_000_000
  const make = createIdSource(() => nowMs, systemRandom)
  const ids = Array.from({ length: 3000 }, () => make())
  nowMs -= 60_000
  ids.push(make())
  nowMs += 120_000
  ids.push(make())
  expect([...ids].sort()).toEqual(ids)
  expect(new Set(ids).size).toBe(ids.length)
  expect(Number.parseInt((ids[0] as string).replace('-', '').slice(0, 12), 16)).toBe(1_700_000_000_000)
  expect(ids.every((id) => id[14] === '7' && '89ab'.includes(id[19] as string))).toBe(true)
})

it('[I2] the same clock and randomness give the same ids', () => {
  const seeded = (): (() => string) =>
    createIdSource(
      () => 5,
      (bytes) => bytes.map((_, at) => (at * 75 + 74) % 251),
    )
  const [a, b] = [seeded(), seeded()]
  const made = [a(), a()]
  expect([b(), b()]).toEqual(made)
  expect(made[0]).toMatch(/^00000000-0005-7/)
})

it('[I3] packing is undone by unpacking; a UUID takes 22 characters', () => {
  const make = createIdSource(Date.now, systemRandom)
  for (const id of [make(), make(), 'ffffffff-ffff-4fff-bfff-ffffffffffff', 'mine', ':', '', 'Ünï', 'x'.repeat(36)])
    expect(unpackId(packId(id === '' ? 'e' : id))).toBe(id === '' ? 'e' : id)
  expect(packId(make())).toHaveLength(22)
  expect(packId('0190A5DC-AC96-774B-BCCE-B302099A8057')).toBe(':0190A5DC-AC96-774B-BCCE-B302099A8057')
})

it('[I3] ids that are made packed are those that would be packed', () => {
  const random = (bytes: Uint8Array<ArrayBuffer>) => bytes.map((_, at) => (at * 75 + 74) % 251)
  const [make, makePacked] = [createIdSource(() => 5e12, random), createPackedIdSource(() => 5e12, random)]
  for (let n = 0; n < 300; n++) expect(makePacked()).toBe(packId(make()))
})

it('[I4] what is no packed id is none', () => {
  for (const packed of ['', ':', 'short', 'x'.repeat(22), `${'A'.repeat(21)}B`, `${'A'.repeat(21)}!`, 'A'.repeat(23)])
    expect(unpackId(packed), packed).toBeUndefined()
})

it('[I5] random names have 16 characters of base64url', () => {
  expect(randomName(systemRandom)).toMatch(/^[A-Za-z0-9_-]{16}$/)
})
