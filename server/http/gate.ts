// From where one may speak to the relay: hosts and origins. Knows headers, not tokens, sockets or messages.
import type { IncomingHttpHeaders } from 'node:http'
import { show } from '../../src/errors.ts'

/** How the relay is guarded. */
export interface GateOptions {
  /** Whether clients are asked for a token; without one only this machine may speak to the relay. */
  readonly asksForToken: boolean
  /** With a token: exact origins whose pages may connect, as `https://app.example.org`; default all, since the token decides. */
  readonly origins?: readonly string[] | undefined
}

/** Decides about requests. */
export interface Gate {
  /** @returns Why a request is refused, as a sentence; `undefined` if it may pass. */
  refusal(headers: Pick<IncomingHttpHeaders, 'host' | 'origin'>): string | undefined
}

/** Whether only this machine can reach a relay that listens on `host`. */
export const isLoopback = (host: string): boolean => {
  const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127\.\d+\.\d+\.\d+$/.test(name)
}

/** Creates the gate. */
export const createGate = ({ asksForToken, origins }: GateOptions): Gate => ({
  refusal({ host = '', origin }) {
    if (asksForToken) {
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
