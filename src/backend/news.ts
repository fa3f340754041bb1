// News: what leads to a pull beside the clock: the user's stream, the platform, a view that opens. Knows events; no tables.

/** Who is told. */
export interface NewsListener {
  /** Something may have changed there. */
  onNews(): void
  /** The platform says that the network is there again. */
  onOnline(): void
  /** The platform says that it is gone. */
  onOffline(): void
  /** Somebody looks at a table. */
  onOpened(table: string): void
}

/** Where news come from. */
export interface NewsSources {
  /** Where `online`, `offline`, `focus` and `visibilitychange` are heard: the page, where there is one. */
  readonly page: Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>>
  /** The user's stream. */
  readonly stream: ((onNews: () => void) => () => void) | undefined
  /** Tells of each query that begins to be followed. */
  readonly opened: (onOpened: (table: string) => void) => () => void
}

/** Hears all of them. @returns A function that ends it. */
export const listenToNews = ({ page, stream, opened }: NewsSources, listener: NewsListener): (() => void) => {
  const onVisible = (): void => {
    if (globalThis.document?.visibilityState !== 'hidden') listener.onNews()
  }
  const heard: [string, () => void][] = [
    ['online', () => listener.onOnline()],
    ['offline', () => listener.onOffline()],
    ['focus', onVisible],
    ['visibilitychange', onVisible],
  ]
  for (const [event, work] of heard) page.addEventListener?.(event, work)
  const stops = [opened((table) => listener.onOpened(table)), stream?.(() => listener.onNews())]
  return () => {
    for (const [event, work] of heard) page.removeEventListener?.(event, work)
    for (const stop of stops) stop?.()
  }
}
