// How the relay reports what it does: a function of level, message and fields. Never given payloads or tokens.

/** How much a report matters. */
export type Level = 'debug' | 'info' | 'warn' | 'error'

/** Takes one report. `fields` are small: names, counts, codes, never what users wrote. */
export type Logger = (level: Level, message: string, fields?: Readonly<Record<string, unknown>>) => void

/**
 * Writes warnings and errors to stderr, one JSON object a line.
 *
 * @param level - How much the report matters; `debug` and `info` are dropped.
 * @param message - What happened, without values.
 * @param fields - The values.
 */
export const jsonLogger: Logger = (level, message, fields = {}) => {
  if (level === 'debug' || level === 'info') return
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`)
}

/** An error as log fields: its code, if it has one, and its message, without a stack. */
export const errorFields = (error: unknown): Record<string, unknown> => {
  if (!(error instanceof Error)) return { error: String(error) }
  const code: unknown = 'code' in error ? error.code : undefined
  return code === undefined ? { error: error.message } : { code, error: error.message }
}
