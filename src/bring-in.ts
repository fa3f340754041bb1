// When documents are made whole whose rows are shown already: once the app has had time to draw them, one document a turn. Knows timers;
// what it is to be whole, the row log knows.
import type { Timers } from './sync/socket.ts'

/** What can be brought in; see {@link RowLog.bringIn}. */
export interface BroughtIn {
  readonly isWhole: boolean
  bringIn(): unknown
}

/** How long after the opening. Whoever needs a document before brings it in. */
const DELAY_MS = 100

/** Brings in, soon, what is not whole. An error is reported; whoever needs the document is told again. */
export const bringInSoon = (
  logs: Iterable<BroughtIn>,
  { timers, onError }: { readonly timers: Timers; readonly onError: (error: unknown) => void },
): { stop(): void } => {
  const waiting = [...logs].filter(({ isWhole }) => !isWhole)
  let timer: unknown
  const next = (delayMs: number): void => {
    const log = waiting.shift()
    if (log === undefined) return
    timer = timers.setTimeout(() => {
      try {
        log.bringIn()
      } catch (error) {
        onError(error)
      }
      next(0)
    }, delayMs)
    // A timer alone must not keep a process from ending.
    const own = timer as { unref?: () => void } | undefined
    own?.unref?.()
  }
  next(DELAY_MS)
  return { stop: () => timers.clearTimeout(timer) }
}
