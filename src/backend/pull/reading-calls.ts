// Calls that read: each request of theirs is given up in time. Knows the client; nothing of what is asked.
import type { Timers } from '../core.ts'
import type { Call, RemoteRequest } from '../remote-table.ts'
import type { Client } from '../rest/client.ts'

/** What {@link readingCalls} works with. */
export interface ReadingCallsOptions {
  readonly client: Client
  readonly timers: Timers
  /** How long an answer may take, in milliseconds. */
  readonly timeoutMs: number
  readonly makeId: () => string
}

/** @returns A function that makes a call for reading, of no operation. */
export const readingCalls =
  ({ client, timers, timeoutMs, makeId }: ReadingCallsOptions): (() => Call) =>
  () => {
    const controller = new AbortController()
    const request = async (what: RemoteRequest): ReturnType<Call['request']> => {
      const timer = timers.setTimeout(
        () => controller.abort(new DOMException('No answer in time.', 'TimeoutError')),
        timeoutMs,
      )
      const aborted = new Promise<never>((_, reject) =>
        controller.signal.addEventListener('abort', () => reject(controller.signal.reason), { once: true }),
      )
      try {
        return await Promise.race([client.send(what, controller.signal), aborted])
      } finally {
        timers.clearTimeout(timer)
      }
    }
    return { key: makeId(), version: undefined, fields: {}, signal: controller.signal, request }
  }
