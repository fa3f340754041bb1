// Who a token stands for: algorithms, claims, keys, grants, revocation. Without sockets.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose'
import { expect, it, onTestFinished } from 'vitest'
import { openMemoryLog } from '../log/memory.ts'
import { JWT, SECRET, tokenFor } from '../testing/tokens.ts'
import { createAuthority } from './authority.ts'
import { readGrants } from './grants.ts'
import { createJwtVerifier, type JwtKey, jwtFaults, KeysUnavailable } from './jwt.ts'
import { openRevocations } from './revocations.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const now = () => NOW_MS
const authority = async (key: JwtKey = JWT.key, log = openMemoryLog()) => {
  const revocations = await openRevocations(log)
  return { ...createAuthority({ jwt: { ...JWT, key } }, revocations, now), revocations }
}
const signed = (alg: string, key: Parameters<SignJWT['sign']>[0], kid?: string, claims: object = {}) =>
  new SignJWT({ merrow: { '*': 'write' }, sub: 'ann', iss: JWT.issuer, aud: JWT.audience, ...claims })
    .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) })
    .setExpirationTime(NOW_MS / 1000 + 60)
    .sign(key)
const secret = new TextEncoder().encode(SECRET)
const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

it('[A1] a token names its subject, its grants and its end', async () => {
  const token = await tokenFor('ann', { now, lifetimeS: 60, grants: { 'acme/*': 'read' } })
  const result = await (await authority()).authenticate(token)
  if (result.kind !== 'admitted') throw new Error(result.reason)
  const { subject, expiresAtMs, grants } = result.identity
  expect([subject, expiresAtMs, grants('acme/tasks'), grants('other')]).toEqual([
    'ann',
    NOW_MS + 60_000,
    'read',
    'none',
  ])
})

const endless = { sub: 'ann', iss: JWT.issuer, aud: JWT.audience, merrow: {} }
const claims = { ...endless, exp: NOW_MS / 1000 + 60 }
it.each<[string, () => Promise<string> | string]>([
  ['another algorithm', () => signed('HS512', secret)],
  ['no algorithm', () => `${base64({ alg: 'none' })}.${base64(claims)}.`],
  ['another secret', () => tokenFor('ann', { now, secret: `${SECRET}!` })],
  ['another audience', () => tokenFor('ann', { now, audience: 'another' })],
  ['another issuer', () => tokenFor('ann', { now, issuer: 'another' })],
  ['an end in the past', () => tokenFor('ann', { now: () => NOW_MS - 3_600_000 })],
  ['an end just now, whatever the tolerance', () => tokenFor('ann', { now: () => NOW_MS - 60_000, lifetimeS: 60 })],
  ['a beginning in the future', () => signed('HS256', secret, undefined, { nbf: NOW_MS / 1000 + 30 })],
  ['no subject', () => signed('HS256', secret, undefined, { sub: undefined })],
  ['no grants', () => signed('HS256', secret, undefined, { merrow: undefined })],
  [
    'a changed payload',
    async () => (await tokenFor('ann', { now })).replace(/\.[^.]+\./, `.${base64({ ...claims, sub: 'root' })}.`),
  ],
  ['nothing', () => ''],
  ['nonsense', () => 'a.b.c'],
  ['no end', () => new SignJWT(endless).setProtectedHeader({ alg: 'HS256' }).sign(secret)],
])('[A2] refuses a token with %s', async (_, token) => {
  expect(await (await authority()).authenticate(await token())).toMatchObject({ kind: 'refused' })
})

it('[A2] a public key is never taken for a shared secret, and takes the algorithms of its type alone', async () => {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
  const pem = await exportSPKI(publicKey)
  const { authenticate } = await authority({ publicKey: pem })
  expect((await authenticate(await signed('RS256', privateKey))).kind).toBe('admitted')
  expect((await authenticate(await signed('HS256', new TextEncoder().encode(pem)))).kind).toBe('refused')
  const jwk = await authority({ publicKey: await exportJWK((await generateKeyPair('ES256')).publicKey) })
  expect((await jwk.authenticate(await signed('RS256', privateKey))).kind).toBe('refused')
})

it('[A3] takes keys of a set, which is asked for once, and says that it cannot be had', async () => {
  const [first, second] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')]
  let asked = 0
  let isUp = true
  const server = createServer(async (_, response) => {
    asked += 1
    response.statusCode = isUp ? 200 : 500
    const keys = [{ ...(await exportJWK(first.publicKey)), kid: 'one', alg: 'ES256' }]
    response.end(JSON.stringify({ keys }))
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`
  const { authenticate } = await authority({ jwksUrl })
  const good = await signed('ES256', first.privateKey, 'one')
  for (let times = 0; times < 5; times++) expect((await authenticate(good)).kind).toBe('admitted')
  for (let times = 0; times < 5; times++)
    expect((await authenticate(await signed('ES256', second.privateKey, 'two'))).kind).toBe('refused')
  expect(asked).toBe(1)
  isUp = false
  expect((await (await authority({ jwksUrl })).authenticate(good)).kind).toBe('unavailable')
})

it('[A3] whoever brings a token while it cannot be looked at is told so, and the next one is looked at again', async () => {
  let isBroken = true
  const verify = createJwtVerifier(JWT, now, async () => {
    if (isBroken) throw new Error('too many open files')
    return import('jose')
  })
  const token = await tokenFor('ann', { now })
  await expect(verify(token)).rejects.toBeInstanceOf(KeysUnavailable)
  isBroken = false
  expect((await verify(token)).subject).toBe('ann')
})

it('[A4] the longest pattern that fits decides, and what none fits is denied', () => {
  const grants = readGrants({ 'acme/*': 'write', 'acme/audit': 'read', 'acme/audit@*': 'none', 'acme/a*': 'read' })
  const access = ['acme/tasks', 'acme/audit', 'acme/audit@2025', 'acme/assets', 'acme', 'other/tasks'].map(grants)
  expect(access).toEqual(['write', 'read', 'none', 'read', 'none', 'none'])
})

it.each([
  [[]],
  ['write'],
  [{ '*': 'admin' }],
  [{ 'a*b': 'read' }],
  [Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`d${at}`, 'read']))],
])('[A4] refuses grants that are none', (claim) => expect(() => readGrants(claim)).toThrow())

it('[A5] a revoked subject is refused, after a restart too, until a newer token', async () => {
  const log = openMemoryLog()
  const { authenticate, revocations } = await authority(JWT.key, log)
  const token = await tokenFor('ann', { now })
  await revocations.revoke('ann', NOW_MS)
  for (const authenticateNow of [authenticate, (await authority(JWT.key, log)).authenticate])
    expect((await authenticateNow(token)).kind).toBe('refused')
  const newer = await tokenFor('ann', { now: () => NOW_MS + 1000 })
  expect((await authenticate(newer)).kind).toBe('admitted')
  expect((await authenticate(await tokenFor('ben', { now }))).kind).toBe('admitted')
})

it('[A6] says what is wrong with its options', () => {
  expect(jwtFaults(JWT)).toEqual([])
  expect(jwtFaults({ key: { secret: 'short' }, issuer: '', audience: '' })).toHaveLength(3)
  expect(jwtFaults({ ...JWT, key: { jwksUrl: 'http://keys.example/' } })).toHaveLength(1)
  expect(jwtFaults({ ...JWT, key: { publicKey: 'nonsense' } })).toHaveLength(1)
})
