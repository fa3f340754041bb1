// Renewing a token before it expires, while the connection goes on. Knows time and the app's function; no socket.
import type { Timers } from './socket.ts'

/** A token, or a function that is asked for one at each connection, and again before that one expires. */
export type TokenSource = string | (() => string | Promise<string>)

/** A token is renewed so long before it expires, or at half of its time if that is later. */
const RENEWAL_MS = 60_000
/** For how long a token counts that the app could not give: it is asked again at half of that. */
const RETRY_MS = 10_000
/** An app that goes on giving the same token is not asked more often. */
const PAUSE_MS = 1_000
/** The longest that a timer can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** Asks the app for new tokens, as long as one connection lasts. */
export class TokenRenewal {
  readonly #token: TokenSource | undefined
  readonly #timers: Timers
  readonly #post: (token: string) => void
  #timer: unknown
  #connection = 0

  /** @param post - Sends a new token. */
  constructor(token: TokenSource | undefined, timers: Timers, post: (token: string) => void) {
    this.#token = token
    this.#timers = timers
    this.#post = post
  }

  /** The last token expires then; undefined for never. */
  expiresIn(ms: number | undefined): void {
    const token = this.#token
    this.#timers.clearTimeout(this.#timer)
    if (ms === undefined || typeof token !== 'function') return
    const waitMs = Math.max(PAUSE_MS, ms - Math.min(RENEWAL_MS, ms / 2))
    this.#timer = this.#timers.setTimeout(() => void this.#renew(token), Math.min(waitMs, MAX_TIMER_MS))
  }

  /** The connection has ended: what the app still gives is not sent. */
  stop(): void {
    this.#connection += 1
    this.#timers.clearTimeout(this.#timer)
  }

  async #renew(token: () => string | Promise<string>): Promise<void> {
    const connection = this.#connection
    try {
      const text = await token()
      if (this.#connection === connection) this.#post(text)
    } catch {
      // Should it never be given, the relay ends the connection at the expiry, and the next one says why.
      if (this.#connection === connection) this.expiresIn(RETRY_MS)
    }
  }
}
