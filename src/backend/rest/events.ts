// News by server-sent events: an event, whatever it says, leads to a pull. Knows EventSource; no tables.

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
