// Tokens that name their subject: JSON Web Tokens, verified by `jose` with fixed algorithms. Knows no sockets.
import { createPublicKey, type JsonWebKeyInput, type KeyObject } from 'node:crypto'
import type { JWTPayload, JWTVerifyGetKey } from 'jose'
import { readGrants } from './grants.ts'
import type { Identity } from './identity.ts'

/** What tokens are signed with. */
export type JwtKey =
  /** Shared secret of at least 32 characters: HS256. */
  | { readonly secret: string }
  /** Public key, as PEM or JWK: the algorithms of its type, and no other. */
  | { readonly publicKey: string | object }
  /** Address of a key set, asked for again when a key is unknown, at most every 30 s. */
  | { readonly jwksUrl: string }

/** How tokens are verified. */
export interface JwtOptions {
  readonly key: JwtKey
  /** Who signs them: the claim `iss`. */
  readonly issuer: string
  /** Whom they are for: the claim `aud`. */
  readonly audience: string
  /** How far the clocks of issuer and relay may be apart, in seconds (default 5). It never prolongs a token. */
  readonly clockToleranceS?: number | undefined
}

/** Name of the claim that holds the grants. */
export const GRANTS_CLAIM = 'merrow'
/** Fewest characters of a secret. */
export const MIN_SECRET_LENGTH = 32
const MAX_SUBJECT_LENGTH = 256
const COOLDOWN_MS = 30_000
const CACHE_MS = 10 * 60_000
const FETCH_TIMEOUT_MS = 5_000
const MAX_KEY_SET_BYTES = 256 * 1024
const REMOTE_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519']

/** Verifies one token. Rejects with an `Error` whose message is fit for the client. */
export type Verify = (token: string) => Promise<Identity>

/** The key set cannot be had just now: no fault of the token. */
export class KeysUnavailable extends Error {}

type Jose = typeof import('jose')

/** Loaded where tokens are verified, and not for a relay that asks for none. */
const loadJose = (): Promise<Jose> => import('jose')

interface Source {
  readonly key: KeyObject | Uint8Array | URL
  readonly algorithms: string[]
}

/**
 * Creates a verifier.
 *
 * @param now - Wall clock, milliseconds since the epoch.
 * @throws If the key cannot be used; {@link jwtFaults} says so in words.
 */
export const createJwtVerifier = (options: JwtOptions, now: () => number, importJose = loadJose): Verify => {
  const { key: source, algorithms } = sourceOf(options.key)
  const load = async () => {
    try {
      const jose = await importJose()
      return { jose, key: source instanceof URL ? keySet(source, jose) : source }
    } catch (cause) {
      loading = undefined
      throw new KeysUnavailable('the relay cannot look at tokens now', { cause })
    }
  }
  let loading: ReturnType<typeof load> | undefined = load()
  // Whoever brings the first token is told, and the next one tries again.
  loading.catch(() => {})
  return async (token) => {
    loading ??= load()
    const { jose, key } = await loading
    const checks = {
      algorithms,
      issuer: options.issuer,
      audience: options.audience,
      clockTolerance: options.clockToleranceS ?? 5,
      currentDate: new Date(now()),
      requiredClaims: ['sub', 'exp'],
    }
    // Two calls, since the types of jose tell a key from a function that finds one.
    const { payload } = await (typeof key === 'function'
      ? jose.jwtVerify(token, key, checks)
      : jose.jwtVerify(token, key, checks)
    ).catch((error: unknown) => {
      throw reasonOf(error, jose)
    })
    return identityOf(payload, now())
  }
}

/** What is wrong with options, as sentences that name the cure. */
export const jwtFaults = ({ key, issuer, audience }: JwtOptions): string[] => {
  const faults: string[] = []
  if (!issuer) faults.push('Tokens need an issuer: give jwt.issuer, the "iss" that your tokens carry.')
  if (!audience) faults.push('Tokens need an audience: give jwt.audience, the "aud" that your tokens carry.')
  try {
    sourceOf(key)
  } catch (error) {
    faults.push(`The key of tokens cannot be used: ${error instanceof Error ? error.message : String(error)}.`)
  }
  return faults
}

const sourceOf = (key: JwtKey): Source => {
  if ('secret' in key) {
    if (key.secret.length < MIN_SECRET_LENGTH)
      throw new Error(`a secret has at least ${MIN_SECRET_LENGTH} characters, for instance from "openssl rand -hex 32"`)
    return { key: new TextEncoder().encode(key.secret), algorithms: ['HS256'] }
  }
  if ('publicKey' in key) {
    const { publicKey } = key
    const input = typeof publicKey === 'string' ? publicKey : ({ key: publicKey, format: 'jwk' } as JsonWebKeyInput)
    const object = createPublicKey(input)
    return { key: object, algorithms: algorithmsOf(object) }
  }
  return { key: keySetAddress(key.jwksUrl), algorithms: REMOTE_ALGORITHMS }
}

/** One type of key, one family of algorithms: else a public key could be taken for a shared secret. */
const algorithmsOf = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string[] => {
  if (asymmetricKeyType === 'rsa') return ['RS256', 'PS256']
  if (asymmetricKeyType === 'ed25519') return ['EdDSA', 'Ed25519']
  if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1') return ['ES256']
  if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'secp384r1') return ['ES384']
  throw new Error(`keys of type ${asymmetricKeyType} are not taken; use RSA, Ed25519, P-256 or P-384`)
}

const keySetAddress = (address: string): URL => {
  const url = new URL(address)
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (url.protocol !== 'https:' && !isLocal) throw new Error('the address of a key set begins with https://')
  return url
}

const keySet = (url: URL, { createRemoteJWKSet, customFetch }: Jose): JWTVerifyGetKey =>
  createRemoteJWKSet(url, {
    timeoutDuration: FETCH_TIMEOUT_MS,
    cooldownDuration: COOLDOWN_MS,
    cacheMaxAge: CACHE_MS,
    [customFetch]: boundedFetch,
  })

const boundedFetch = async (url: string, init: RequestInit): Promise<Response> => {
  const response = await fetch(url, init)
  const bytes = new Uint8Array(await response.arrayBuffer())
  if (bytes.length > MAX_KEY_SET_BYTES) throw new Error(`the key set has ${bytes.length} B`)
  return new Response(bytes, { status: response.status, headers: response.headers })
}

const identityOf = (payload: JWTPayload, nowMs: number): Identity => {
  const { sub = '', exp = 0, iat } = payload
  if (sub === '' || sub.length > MAX_SUBJECT_LENGTH) throw new Error('its subject has not 1 to 256 characters')
  // The tolerance is for clocks that differ, not for tokens that are over.
  if (exp * 1000 <= nowMs) throw new Error('the token has expired')
  return {
    subject: sub,
    grants: readGrants(payload[GRANTS_CLAIM]),
    expiresAtMs: exp * 1000,
    issuedAtMs: (iat ?? 0) * 1000,
  }
}

const reasonOf = (error: unknown, { errors }: Jose): Error => {
  if (error instanceof errors.JWTExpired) return new Error('the token has expired')
  if (error instanceof errors.JWTClaimValidationFailed)
    return new Error(`the token's claim "${error.claim}" is wrong or missing`)
  if (error instanceof errors.JOSEAlgNotAllowed) return new Error('the token is signed with another algorithm')
  if (error instanceof errors.JWKSNoMatchingKey) return new Error('the token is signed with an unknown key')
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid)
    return new KeysUnavailable('the keys of tokens cannot be had now')
  if (error instanceof errors.JOSEError && error.code !== 'ERR_JOSE_GENERIC') return new Error('the token is not valid')
  if (error instanceof errors.JOSEError || error instanceof Error)
    return new KeysUnavailable('the keys of tokens cannot be had now', { cause: error })
  return new Error('the token is not valid')
}
