// How the relay reports what it does: a function of level, message and fields. Never given payloads or tokens.
import { createRequire } from 'node:module'
import type { DestinationStream } from 'pino'

/** How much a report matters. */
export type Level = 'debug' | 'info' | 'warn' | 'error'

/** Takes one report. `fields` are small: names, counts, codes, never what users wrote. */
export type Logger = (level: Level, message: string, fields?: Readonly<Record<string, unknown>>) => void

/** How {@link createLogger} writes. */
export interface LoggerOptions {
  /** Reports that matter less are dropped. */
  readonly level: Level
  /** Where the lines go; stderr by default. */
  readonly destination?: DestinationStream | undefined
}

const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error']

/**
 * Creates a logger that writes one JSON object a line (pino, loaded with the first report). Fields called like a secret are left out, whoever
 * gives them.
 */
export const createLogger = ({ level, destination }: LoggerOptions): Logger => {
  let write: Logger | undefined
  return (at, message, fields = {}) => {
    if (LEVELS.indexOf(at) < LEVELS.indexOf(level)) return
    write ??= pinoLogger({ level, destination })
    write(at, message, fields)
  }
}

const pinoLogger = ({ level, destination }: LoggerOptions): Logger => {
  const { pino } = createRequire(import.meta.url)('pino') as typeof import('pino')
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'message',
      redact: { paths: ['token', 'authorization', 'cookie', '*.token', '*.authorization'], remove: true },
    },
    destination ?? pino.destination({ dest: 2, sync: true }),
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
