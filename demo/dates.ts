// Dates as the page shows them: due days and times ago. Pure; knows no tasks.

const MINUTE_MS = 60_000
const STEPS = [
  { unit: 'minute', ms: MINUTE_MS, below: 60 },
  { unit: 'hour', ms: 60 * MINUTE_MS, below: 24 },
  { unit: 'day', ms: 24 * 60 * MINUTE_MS, below: 30 },
] as const
const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'narrow' })
const ABSOLUTE = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', year: 'numeric' })

/** A due day as `<input type="date">` has it. Days are kept as midnight UTC, so that they are the same day everywhere. */
export const formatDay = (day: Date | undefined): string => day?.toISOString().slice(0, 10) ?? ''

/** The day that `<input type="date">` holds; undefined while it holds none. */
export const parseDay = (text: string): Date | undefined => {
  const day = new Date(text)
  return Number.isNaN(day.getTime()) ? undefined : day
}

/** Whether a due day is over where the reader is. */
export const isOver = (day: Date, now: Date = new Date()): boolean => {
  const today = Date.UTC(now.getFullYear(), now.getMonth(), now.getDate())
  return day.getTime() < today
}

/** `5m ago`; a date once it is a month back. */
export const formatAgo = (timeMs: number, nowMs: number): string => {
  const passedMs = nowMs - timeMs
  if (passedMs < MINUTE_MS) return 'just now'
  const step = STEPS.find(({ ms, below }) => passedMs < ms * below)
  return step === undefined ? ABSOLUTE.format(timeMs) : RELATIVE.format(-Math.floor(passedMs / step.ms), step.unit)
}
