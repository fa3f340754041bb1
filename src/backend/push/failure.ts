// What an answer or its absence means for an operation, and how long to wait. Knows status codes; no queue.
import type { RemoteId } from '../remote-table.ts'

/** An answer that is a failure, or none: thrown by what talks to a backend. */
export class AnswerError extends Error {
  /** HTTP status; undefined if no answer came. */
  readonly status: number | undefined
  /** The beginning of the answer. */
  readonly answer: string | undefined
  /** How long the backend asks to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(
    message: string,
    details: {
      readonly status?: number | undefined
      readonly answer?: string | undefined
      readonly retryAfterMs?: number | undefined
      readonly cause?: unknown
    } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'AnswerError'
    this.status = details.status
    this.answer = details.answer
    this.retryAfterMs = details.retryAfterMs
  }
}

/** Thrown for an answer of 2xx that makes no sense: it may have had its effect all the same. */
export class NonsenseError extends AnswerError {}

/** Thrown for a record that was made by an earlier request under the same key, and is gone by now. */
export class ReplayedError extends AnswerError {
  readonly remote: RemoteId

  constructor(remote: RemoteId) {
    super(`The answer is of record ${remote}, which is not there (any more).`)
    this.remote = remote
  }
}

/**
 * What a failure means.
 *
 * - `away`: no answer came, or the backend asks to wait: try again, for as long as it takes.
 * - `server`: 5xx, or an error that says nothing: try again, so many times.
 * - `token`: 401, 403: renew the token.
 * - `conflict`: 409, 412: pull, merge, send again.
 * - `gone`: 404, 410: there is no such record.
 * - `replayed`: what was made is a record of an earlier time, which is gone.
 * - `nonsense`: an answer of 2xx that makes no sense.
 * - `refused`: any other 4xx: it will never be taken as it is.
 */
export type FailureClass = 'away' | 'server' | 'token' | 'conflict' | 'gone' | 'replayed' | 'nonsense' | 'refused'

/** Tells the class of what was thrown. */
export const classify = (error: unknown): FailureClass => {
  if (error instanceof NonsenseError) return 'nonsense'
  if (error instanceof ReplayedError) return 'replayed'
  const status = statusOf(error)
  if (status === undefined && !isAway(error)) return 'server'
  if (status === undefined || status === 408 || status === 425 || status === 429 || status === 503) return 'away'
  if (status === 401 || status === 403) return 'token'
  if (status === 409 || status === 412) return 'conflict'
  if (status === 404 || status === 410) return 'gone'
  return status >= 500 ? 'server' : 'refused'
}

/** Whether an error without a status means that no answer came; `fetch` throws a `TypeError` then. */
const isAway = (error: unknown): boolean =>
  error instanceof AnswerError ||
  (error instanceof Error && ['TypeError', 'AbortError', 'TimeoutError'].includes(error.name))

/** The status that an error carries, whoever made it. */
export const statusOf = (error: unknown): number | undefined => {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined
  return typeof status === 'number' ? status : undefined
}

/** How long to wait before try `tries + 1`: exponential, with full jitter, and never less than the backend asks for. */
export const backoffMs = (
  tries: number,
  { firstMs, lastMs, random }: { readonly firstMs: number; readonly lastMs: number; readonly random: () => number },
  retryAfterMs = 0,
): number => Math.max(retryAfterMs, Math.round(random() * Math.min(lastMs, firstMs * 2 ** Math.min(tries, 30))))
