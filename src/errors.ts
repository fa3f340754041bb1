// The one error class and its closed set of codes. Knows nothing of what went wrong; callers say it in words.

/** What can go wrong, as a word to switch on. The message says the rest, with the cure. */
export type ErrorCode =
  | 'invalid_schema'
  | 'invalid_value'
  | 'invalid_argument'
  | 'unknown_table'
  | 'row_not_found'
  | 'row_exists'
  | 'not_unique'
  | 'database_closed'
  | 'newer_format'
  | 'read_only'
  | 'migration_failed'
  | 'storage_failed'
  | 'storage_full'
  | 'unsupported'
  | 'relay_unreachable'
  | 'relay_version'
  | 'relay_refused'
  | 'invalid_frame'
  | 'invalid_config'
  | 'invalid_file'
  | 'port_in_use'
  | 'folder_unusable'
  | 'law_broken'
  | 'document_deleted'

/** One column's share in a refused write. */
export interface Fault {
  readonly column: string
  readonly value: unknown
  /** What is wrong and how to put it right, as a sentence. */
  readonly reason: string
}

/** What a {@link MerrowError} carries beside its message. */
export interface ErrorDetails {
  readonly cause?: unknown
  readonly table?: string
  readonly id?: string
  readonly faults?: readonly Fault[]
}

/** Every error that Merrow throws or reports. `code` is stable; `message` names the value, the reason and the cure. */
export class MerrowError extends Error {
  readonly code: ErrorCode
  /** Table concerned, if one is. */
  readonly table: string | undefined
  /** Row concerned, if one is. */
  readonly id: string | undefined
  /** The refused columns of a write, first one first; empty for other errors. */
  readonly faults: readonly Fault[]

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'MerrowError'
    this.code = code
    this.table = details.table
    this.id = details.id
    this.faults = details.faults ?? []
  }
}

/** A value as it may stand in a message: short, on one line, never throwing. */
export const show = (value: unknown): string => {
  let text: string
  try {
    text =
      typeof value === 'string'
        ? JSON.stringify(value)
        : typeof value === 'bigint'
          ? `${value}n`
          : isLostInJson(value)
            ? String(value)
            : (JSON.stringify(value) ?? String(value))
  } catch {
    text = Object.prototype.toString.call(value)
  }
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

/** NaN, infinities, invalid dates and regular expressions, of which JSON would show `null` and `{}`. */
const isLostInJson = (value: unknown): boolean =>
  (typeof value === 'number' && !Number.isFinite(value)) ||
  (value instanceof Date && Number.isNaN(value.getTime())) ||
  value instanceof RegExp
