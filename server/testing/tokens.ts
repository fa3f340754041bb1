// Tokens for tests, and relays that ask for them.
import { signToken, type TokenRequest } from '../auth/development-token.ts'
import type { JwtOptions } from '../auth/jwt.ts'

/** A secret that is long enough. */
export const SECRET = 'a secret of more than 32 characters, for tests'

/** How a test relay verifies tokens. */
export const JWT: JwtOptions = { key: { secret: SECRET }, issuer: 'test issuer', audience: 'test relay' }

/** A token for a test relay; writes everything unless told otherwise. */
export const tokenFor = (subject: string, request: Partial<TokenRequest> = {}): Promise<string> =>
  signToken({
    secret: SECRET,
    issuer: JWT.issuer,
    audience: JWT.audience,
    subject,
    grants: { '*': 'write' },
    ...request,
  })
