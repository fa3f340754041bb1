// Decides who a token's holder is: nobody is asked, one shared secret opens everything, or each token names its subject.
import { createHash, timingSafeEqual } from 'node:crypto'
import { type Identity, NOBODY_IN_PARTICULAR } from './identity.ts'
import { createJwtVerifier, type JwtOptions, KeysUnavailable } from './jwt.ts'
import type { Revocations } from './revocations.ts'

/** How tokens are asked for. One of both, or neither. */
export interface AuthOptions {
  /** One shared secret, which opens every document to whoever has it. Simple, and names nobody; use `jwt` for more than one user. */
  readonly token?: string | undefined
  /** Tokens with a subject, grants and an end. */
  readonly jwt?: JwtOptions | undefined
}

/** What a token is good for. */
export type Authentication =
  | { readonly kind: 'admitted'; readonly identity: Identity }
  | { readonly kind: 'refused'; readonly reason: string }
  /** Keys cannot be had now; trying again may help. */
  | { readonly kind: 'unavailable'; readonly reason: string }

/** Judges tokens. */
export interface Authority {
  /** Whether a token is asked for at all. */
  readonly asksForToken: boolean
  authenticate(token: string | undefined): Promise<Authentication>
}

/**
 * Creates the authority.
 *
 * @param now - Wall clock, milliseconds since the epoch.
 */
export const createAuthority = (
  { token, jwt }: AuthOptions,
  revocations: Revocations,
  now: () => number,
): Authority => {
  if (jwt !== undefined) return { asksForToken: true, authenticate: jwtAuthentication(jwt, revocations, now) }
  return {
    asksForToken: token !== undefined,
    authenticate: async (offered) =>
      token === undefined || (offered !== undefined && isSame(offered, token))
        ? { kind: 'admitted', identity: NOBODY_IN_PARTICULAR }
        : { kind: 'refused', reason: 'wrong or missing token' },
  }
}

const jwtAuthentication = (jwt: JwtOptions, revocations: Revocations, now: () => number): Authority['authenticate'] => {
  const verify = createJwtVerifier(jwt, now)
  return async (offered) => {
    if (offered === undefined) return { kind: 'refused', reason: 'a token is missing' }
    try {
      const identity = await verify(offered)
      const isRevoked = revocations.isRevoked(identity.subject ?? '', identity.issuedAtMs)
      return isRevoked ? { kind: 'refused', reason: 'the token was revoked' } : { kind: 'admitted', identity }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      return { kind: error instanceof KeysUnavailable ? 'unavailable' : 'refused', reason }
    }
  }
}

/** Hashed first, so that neither the time nor the length tells how close a guess was. */
export const isSame = (a: string, b: string): boolean => timingSafeEqual(hash(a), hash(b))

const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
