// Who may speak to the relay: hosts, origins and the shared secret. Knows headers, not sockets or messages.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { show } from '../../src/errors.ts'

/** How the relay is guarded. */
export interface GateOptions {
  /** Shared secret; without one only this machine may speak to the relay. */
  readonly token?: string | undefined
  /** With a token: origins whose pages may connect, as `https://app.example.org`; default all, since the token decides. */
  readonly origins?: readonly string[] | undefined
}

/** Decides about requests and tokens. */
export interface Gate {
  /** @returns Why a request is refused, as a sentence; `undefined` if it may pass. */
  refusal(headers: Pick<IncomingHttpHeaders, 'host' | 'origin'>): string | undefined
  /** Whether a token is the right one; always so if none is configured. */
  admits(token: string | undefined): boolean
  /** Whether a token is asked for. */
  readonly hasToken: boolean
}

/** Whether only this machine can reach a relay that listens on `host`. */
export const isLoopback = (host: string): boolean => {
  const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127\.\d+\.\d+\.\d+$/.test(name)
}

/** Creates the gate. */
export const createGate = ({ token, origins }: GateOptions): Gate => ({
  hasToken: token !== undefined,
  admits: (offered) => token === undefined || (offered !== undefined && isSame(offered, token)),
  refusal({ host = '', origin }) {
    if (token !== undefined) {
      const isListed = origin === undefined || origins === undefined || origins.includes(origin)
      return isListed ? undefined : `Origin ${show(origin)} may not connect. Add it to the relay's origins.`
    }
    // A page of another site may resolve its own name to 127.0.0.1, or just connect: browsers let WebSockets cross origins.
    const hostname = hostnameOf(`http://${host}`)
    if (hostname === undefined || !isLoopback(hostname)) {
      return `A relay without a token answers to loopback names alone, not to ${show(host)}. Use http://127.0.0.1, or set a token.`
    }
    if (origin === undefined || isLoopback(hostnameOf(origin) ?? '')) return undefined
    return `Origin ${show(origin)} may not connect to a relay without a token. Set a token.`
  },
})

const hostnameOf = (url: string): string | undefined => {
  try {
    return new URL(url).hostname
  } catch {
    return undefined
  }
}

/** Hashed first, so that neither the time nor the length tells how close a guess was. */
export const isSame = (a: string, b: string): boolean => timingSafeEqual(hash(a), hash(b))

const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
