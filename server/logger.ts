// How the relay reports what it does: a function of level, message and fields. Never given payloads or tokens.
import { type DestinationStream, pino } from 'pino'

/** How much a report matters. */
export type Level = 'debug' | 'info' | 'warn' | 'error'

/** Takes one report. `fields` are small: names, counts, codes, never what users wrote. */
export type Logger = (level: Level, message: string, fields?: Readonly<Record<string, unknown>>) => void

/** How {@link createLogger} writes. */
export interface LoggerOptions {
  /** Reports that matter less are dropped. */
  readonly level: Level
  /** Where the lines go; stderr by default. */
  readonly destination?: DestinationStream
}

/** Creates a logger that writes one JSON object a line (pino). Fields called like a secret are left out, whoever gives them. */
export const createLogger = ({
  level,
  destination = pino.destination({ dest: 2, sync: true }),
}: LoggerOptions): Logger => {
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'message',
      redact: { paths: ['token', 'authorization', 'cookie', '*.token', '*.authorization'], remove: true },
    },
    destination,
  )
  return (at, message, fields = {}) => log[at](fields, message)
}

/** Writes warnings and errors to stderr, one JSON object a line. */
export const jsonLogger: Logger = createLogger({ level: 'warn' })

/** An error as log fields: its code, if it has one, and its message, without a stack. */
export const errorFields = (error: unknown): Record<string, unknown> => {
  if (!(error instanceof Error)) return { error: String(error) }
  const code: unknown = 'code' in error ? error.code : undefined
  return code === undefined ? { error: error.message } : { code, error: error.message }
}
