// What can be the id of a row, when a caller gives one. Knows no table but by name.
import { MerrowError, show } from '../errors.ts'
import { TABLE_RECORD } from '../schema/index.ts'

const MAX_ID_LENGTH = 256

/** @throws {@link MerrowError} `invalid_value` if a row cannot have this id. */
export function assertRowId(table: string, given: unknown): asserts given is string {
  if (typeof given === 'string' && given !== '' && given.length <= MAX_ID_LENGTH && given !== TABLE_RECORD) return
  const reason = `Give a string of 1 to ${MAX_ID_LENGTH} characters, or none to have one made.`
  throw new MerrowError('invalid_value', `Table "${table}": id = ${show(given)}: ${reason} Nothing was written.`, {
    table,
    faults: [{ column: 'id', value: given, reason }],
  })
}
