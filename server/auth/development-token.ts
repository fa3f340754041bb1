// Makes tokens for development and tests: what an identity provider does in earnest.
import { type Access, readGrants } from './grants.ts'
import { GRANTS_CLAIM } from './jwt.ts'

/** What a token is to say. */
export interface TokenRequest {
  /** The relay's shared secret, at least 32 characters. */
  readonly secret: string
  readonly issuer: string
  readonly audience: string
  readonly subject: string
  /** Pattern -> access, as `{ 'acme/*': 'write' }`. */
  readonly grants: Readonly<Record<string, Access>>
  /** How long it counts, in seconds (default an hour). */
  readonly lifetimeS?: number | undefined
  /** Wall clock, milliseconds since the epoch. */
  readonly now?: (() => number) | undefined
}

/**
 * Signs a token (HS256) for a relay with a shared secret.
 *
 * @throws An `Error` if the grants could not be read again.
 */
export const signToken = async ({ now = Date.now, lifetimeS = 3600, ...request }: TokenRequest): Promise<string> => {
  readGrants(request.grants)
  const { SignJWT } = await import('jose')
  const seconds = Math.floor(now() / 1000)
  return new SignJWT({ [GRANTS_CLAIM]: request.grants })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(request.subject)
    .setIssuer(request.issuer)
    .setAudience(request.audience)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + lifetimeS)
    .sign(new TextEncoder().encode(request.secret))
}
