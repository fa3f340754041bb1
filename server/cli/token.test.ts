// `merrow token`: what it signs opens what was granted; what is missing is named at once.
import { decodeJwt, jwtVerify } from 'jose'
import { expect, it, vi } from 'vitest'
import { command as tokenCommand } from './token.ts'

const env = { MERROW_JWT_SECRET: 's'.repeat(32), MERROW_JWT_ISSUER: 'me', MERROW_JWT_AUDIENCE: 'merrow' }

it('[A11] signs a token for a subject, its grants and a lifetime, with the secret of the environment', async () => {
  const printed = vi.spyOn(console, 'log').mockImplementation(() => {})
  await tokenCommand.run(
    ['--subject', 'ann', '--grant', 'acme/*=write', '--grant', 'acme/audit=read', '--lifetime', '60'],
    env,
  )
  const token = String(printed.mock.calls[0]?.[0])
  printed.mockRestore()
  await jwtVerify(token, new TextEncoder().encode(env.MERROW_JWT_SECRET), { issuer: 'me', audience: 'merrow' })
  const { sub, merrow, iat = 0, exp = 0 } = decodeJwt(token)
  expect([sub, merrow, exp - iat]).toEqual(['ann', { 'acme/*': 'write', 'acme/audit': 'read' }, 60])
})

it('[A11] names all that is missing at once, and no secret', async () => {
  await expect(tokenCommand.run(['--grant', 'acme', '--lifetime', '0'], {})).rejects.toThrow(
    /lifetime.*grant "acme".*subject.*issuer.*audience.*secret/is,
  )
})
