// HTTP: one request with the backend's token, its answer read within bounds. Knows fetch; no tables and no operations.
import { AnswerError, NonsenseError } from '../push/failure.ts'
import type { RemoteAnswer, RemoteRequest } from '../remote-table.ts'

/** A token, or what gives one; `isRefused` says that the last one was. */
export type TokenSource = string | ((state: { readonly isRefused: boolean }) => string | Promise<string>)

/** What a client is given to work with. */
export interface ClientOptions {
  readonly fetch: typeof globalThis.fetch
  readonly token?: TokenSource | undefined
  /** How a token travels; `Authorization: Bearer <token>` by default. */
  readonly authorize?: ((token: string) => Readonly<Record<string, string>>) | undefined
  /** Most bytes of an answer. */
  readonly maxAnswerBytes: number
  readonly now: () => number
  /** Told how far the backend's clock is ahead, by the `Date` of its answers. */
  readonly onClock: (offsetMs: number) => void
}

const SHOWN = 500
/** Answers with a `Date` that is off by less say nothing: it has whole seconds, and travels. */
const MIN_OFFSET_MS = 2000

/** Sends requests. However many are refused for their token at once, it is renewed once. */
export class Client {
  readonly #options: ClientOptions
  #token: Promise<string> | undefined
  #renewing: Promise<string> | undefined

  constructor(options: ClientOptions) {
    this.#options = options
  }

  /** Sends one request. @throws {@link AnswerError} for any answer but 2xx, and for what is no JSON. */
  async send(request: RemoteRequest, signal: AbortSignal): Promise<RemoteAnswer> {
    const token = await this.#current()
    const answer = await this.#fetch(request, token, signal)
    const isRefused = answer.status === 401 || answer.status === 403
    if (!isRefused || typeof this.#options.token !== 'function') return this.#read(request, answer)
    await answer.body?.cancel()
    return this.#read(request, await this.#fetch(request, await this.#renewed(token), signal))
  }

  async #current(): Promise<string | undefined> {
    const { token } = this.#options
    if (typeof token !== 'function') return token
    this.#token ??= this.#ask(token, false)
    return this.#token
  }

  /** A token other than the refused one. */
  async #renewed(refused: string | undefined): Promise<string> {
    const { token } = this.#options
    if (typeof token !== 'function') return token ?? ''
    if (this.#renewing === undefined && (await this.#token) === refused) {
      this.#renewing ??= this.#ask(token, true).finally(() => {
        this.#renewing = undefined
      })
      this.#token = this.#renewing
    }
    return this.#renewing ?? (this.#token as Promise<string>)
  }

  async #ask(token: Exclude<TokenSource, string>, isRefused: boolean): Promise<string> {
    try {
      return await token({ isRefused })
    } catch (cause) {
      this.#token = undefined
      throw new AnswerError(`No token for the backend: ${String(cause)}`, { status: 401, cause })
    }
  }

  async #fetch(request: RemoteRequest, token: string | undefined, signal: AbortSignal): Promise<Response> {
    const { authorize = (text) => ({ authorization: `Bearer ${text}` }) } = this.#options
    const { method, url, body } = request
    const json = body === undefined ? {} : { 'content-type': 'application/json' }
    const headers = { accept: 'application/json', ...json, ...(token ? authorize(token) : {}), ...request.headers }
    const text = body === undefined ? {} : { body: JSON.stringify(body) }
    try {
      return await this.#options.fetch(url, { method, headers, signal, redirect: 'follow', ...text })
    } catch (cause) {
      throw new AnswerError(`${method} ${withoutQuery(url)}: no answer: ${reasonOf(cause)}`, { cause })
    }
  }

  async #read({ method, url, accept = [] }: RemoteRequest, answer: Response): Promise<RemoteAnswer> {
    const { status, headers } = answer
    this.#noteClock(headers.get('date'))
    const what = `${method} ${withoutQuery(url)}: ${status}`
    const text = await this.#text(answer, what)
    if (!answer.ok && !accept.includes(status))
      throw new AnswerError(`${what} ${answer.statusText}`.trim(), {
        status,
        answer: text.slice(0, SHOWN),
        retryAfterMs: this.#retryAfterMs(headers.get('retry-after')),
      })
    if (text.trim() === '') return { status, headers, json: undefined }
    try {
      return { status, headers, json: JSON.parse(text) }
    } catch (cause) {
      const shown = text.slice(0, SHOWN)
      throw new NonsenseError(`${what}, and the answer is no JSON. Does the address lead to the API?`, {
        status,
        answer: shown,
        cause,
      })
    }
  }

  async #text(answer: Response, what: string): Promise<string> {
    const { maxAnswerBytes } = this.#options
    if (answer.body === null) return ''
    const decoder = new TextDecoder()
    let bytes = 0
    let text = ''
    const reader = answer.body.getReader()
    try {
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        bytes += part.value.length
        text += decoder.decode(part.value, { stream: true })
        if (bytes <= maxAnswerBytes) continue
        await reader.cancel()
        throw new NonsenseError(
          `${what}, and the answer is longer than ${maxAnswerBytes} bytes. Ask for smaller pages, or raise maxAnswerBytes.`,
          {
            status: answer.status,
            answer: text.slice(0, SHOWN),
          },
        )
      }
    } catch (cause) {
      if (cause instanceof AnswerError) throw cause
      throw new AnswerError(`${what}, and the answer broke off: ${reasonOf(cause)}`, { cause })
    }
    return text + decoder.decode()
  }

  #noteClock(date: string | null): void {
    const theirs = date === null ? Number.NaN : Date.parse(date)
    if (Number.isNaN(theirs)) return
    const offsetMs = theirs - this.#options.now()
    this.#options.onClock(Math.abs(offsetMs) < MIN_OFFSET_MS ? 0 : offsetMs)
  }

  #retryAfterMs(header: string | null): number | undefined {
    if (header === null) return undefined
    const seconds = Number(header)
    const ms = Number.isNaN(seconds) ? Date.parse(header) - this.#options.now() : seconds * 1000
    return Number.isFinite(ms) && ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : undefined
  }
}

const MAX_RETRY_AFTER_MS = 60 * 60 * 1000

/** What may stand in a message: queries can hold secrets. */
const withoutQuery = (url: string): string => url.split('?')[0] ?? url

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
