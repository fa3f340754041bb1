// Keys of partitions: which one a row gives, which are allowed, and what their documents are called. Knows rows as values alone.
import { MerrowError, show } from '../../errors.ts'
import type { Partitioning } from '../../schema/index.ts'

const MAX_KEY_LENGTH = 100
/** Longest name of a partition in a document's name, of which the database and the table are another 130 characters. */
const MAX_ESCAPED_LENGTH = 300
const PLAIN = /^[A-Za-z0-9_-]$/
/** Nearly all keys: told at a glance, since every write asks. */
const USUAL = /^[\w.:-]{1,100}$/

/** Why a value is no key; undefined if it is one. */
const faultOf = (key: unknown): string | undefined => {
  if (typeof key === 'string' && USUAL.test(key)) return undefined
  if (typeof key !== 'string' || key === '' || key.length > MAX_KEY_LENGTH)
    return `use a string of 1 to ${MAX_KEY_LENGTH} characters`
  if (new TextDecoder().decode(new TextEncoder().encode(key)) !== key) return 'it is no well-formed Unicode'
  if (escapeKey(key).length > MAX_ESCAPED_LENGTH) return 'it is too long once written in ASCII'
  return undefined
}

/** @throws {@link MerrowError} `invalid_argument` for what is no key. */
export const checkKey = (table: string, key: unknown): string => {
  const fault = faultOf(key)
  if (fault !== undefined)
    throw new MerrowError('invalid_argument', `Table "${table}" has no partition ${show(key)}: ${fault}.`, { table })
  return key as string
}

/** The key that a row gives. @throws {@link MerrowError} `invalid_value` if `partitionBy` throws, or gives what is no key. */
export const keyOfRow = (table: string, { key: give }: Partitioning, row: { readonly id: string }): string => {
  const fail = (reason: string, cause?: unknown): MerrowError =>
    new MerrowError(
      'invalid_value',
      `Table "${table}", row "${row.id}": partitionBy() ${reason}. Mend the function, or the row.`,
      { table, id: row.id, cause },
    )
  let key: unknown
  try {
    key = give(row)
  } catch (cause) {
    throw fail(`threw: ${cause instanceof Error ? cause.message : show(cause)}`, cause)
  }
  const fault = faultOf(key)
  if (fault !== undefined) throw fail(`gave the key ${show(key)}: ${fault}`)
  return key as string
}

/** A key as it stands in the name of a document: letters, digits, `_` and `-`; all else as `~` and the hexadecimal of its UTF-8 bytes. */
export const escapeKey = (key: string): string =>
  Array.from(key, (character) => (PLAIN.test(character) ? character : escapeBytes(character))).join('')

const escapeBytes = (character: string): string =>
  Array.from(new TextEncoder().encode(character), (byte) => `~${byte.toString(16).padStart(2, '0')}`).join('')
