// News by a stream, of server-sent events or a web socket: a message, whatever it says, leads to a pull. Knows sockets; no tables.
import { backoffMs } from '../push/failure.ts'

/** What {@link serverSentEvents} takes. */
export interface EventsOptions {
  readonly url: string
  /** The platform's by default; Node before 22 has none. */
  readonly EventSource?: new (
    url: string,
  ) => EventTarget & { close(): void }
}

/**
 * Listens to a stream of server-sent events: `connectBackend(db, tables, { listen: serverSentEvents({ url }) })`.
 *
 * Events are hints alone: what changed comes with the pull. One that is lost costs the wait for the next poll.
 */
export const serverSentEvents =
  ({ url, EventSource = globalThis.EventSource }: EventsOptions) =>
  (onNews: () => void): (() => void) => {
    if (EventSource === undefined) return () => {}
    const source = new EventSource(url)
    source.addEventListener('message', onNews)
    source.addEventListener('open', onNews)
    return () => source.close()
  }

/** What {@link webSocketEvents} takes. */
export interface WebSocketOptions {
  readonly url: string
  readonly protocols?: string | string[]
  /** The platform's by default; Node before 22 has none: give that of `ws`. */
  readonly WebSocket?: new (
    url: string,
    protocols?: string | string[],
  ) => Pick<EventTarget, 'addEventListener'> & { close(): void }
  /** What to send once it is open, to subscribe for instance. */
  readonly hello?: string
  readonly timers?: {
    setTimeout(work: () => void, ms: number): unknown
    clearTimeout(timer: unknown): void
  }
  /** A number from 0 to 1, for jitter. */
  readonly random?: () => number
}

const FIRST_MS = 1000
const LAST_MS = 60_000

/**
 * Listens to a web socket: `connectBackend(db, tables, { listen: webSocketEvents({ url }) })`.
 *
 * Each message, and each opening, leads to a pull. A socket that closes is opened again, after waits that grow to a minute, with jitter.
 */
export const webSocketEvents =
  ({
    url,
    protocols,
    hello,
    WebSocket = globalThis.WebSocket as NonNullable<WebSocketOptions['WebSocket']>,
    timers = { setTimeout: (work, ms) => setTimeout(work, ms), clearTimeout: (timer) => clearTimeout(timer as number) },
    random = Math.random,
  }: WebSocketOptions) =>
  (onNews: () => void): (() => void) => {
    if (WebSocket === undefined) return () => {}
    let [isStopped, failures] = [false, 0]
    let timer: unknown
    let close = (): void => {}
    const open = (): void => {
      const socket = new WebSocket(url, protocols)
      close = () => socket.close()
      socket.addEventListener('open', () => {
        failures = 0
        if (hello !== undefined) (socket as unknown as { send(text: string): void }).send(hello)
        if (!isStopped) onNews()
      })
      socket.addEventListener('message', () => isStopped || onNews())
      // A failure is told by a close as well.
      socket.addEventListener('error', () => {})
      socket.addEventListener('close', () => {
        if (isStopped) return
        timer = timers.setTimeout(
          open,
          Math.max(FIRST_MS / 2, backoffMs(failures, { firstMs: FIRST_MS, lastMs: LAST_MS, random })),
        )
        failures += 1
      })
    }
    open()
    return () => {
      isStopped = true
      timers.clearTimeout(timer)
      close()
    }
  }
