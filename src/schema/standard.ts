// Columns checked by a Standard Schema validator (zod, valibot, arktype). Knows the standard; no validator of its own.
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { show } from '../errors.ts'
import type { ColumnType } from './column-type.ts'
import { deepFreeze, Refusal, toPlain } from './plain.ts'

/** How many values of a column are remembered as accepted; others are validated again. */
const MAX_REMEMBERED = 10_000

/**
 * The type of a column that a validator checks: what callers write, and, since an older or newer app may have written with another
 * validator, what is stored.
 *
 * @param schema - Takes what callers write. Its output is stored.
 * @param stored - Takes what is stored; `schema` itself unless given.
 */
export const standardType = <Out>(
  schema: StandardSchemaV1<unknown, Out>,
  stored: StandardSchemaV1<unknown, unknown> = schema,
): ColumnType<Out> => {
  const accepted = new Accepted()
  const isAccepted = (value: unknown): boolean => {
    if (accepted.has(value)) return true
    if (reasonAgainst(stored, value) !== undefined) return false
    accepted.add(value)
    return true
  }
  return {
    label: `what its ${schema['~standard'].vendor} schema takes`,
    write(value) {
      const result = schema['~standard'].validate(value)
      if (result instanceof Promise)
        return new Refusal('Its schema validates asynchronously; writes are synchronous. Use a synchronous schema.')
      if (result.issues) return new Refusal(describe(result.issues))
      const plain = toPlain(result.value)
      if (plain instanceof Refusal || plain === value || isAccepted(plain)) return plain
      return new Refusal(
        `Its schema makes ${show(plain)} of it, which it would refuse when the row is read. Say what is stored: c.from(schema, { stored: outputSchema }).`,
      )
    },
    read: (value) => (isAccepted(value) ? (deepFreeze(value) as Out) : undefined),
    explain: (value) => reasonAgainst(stored, value) ?? 'Its schema did not take it.',
  }
}

const reasonAgainst = (schema: StandardSchemaV1<unknown, unknown>, value: unknown): string | undefined => {
  try {
    const result = schema['~standard'].validate(value)
    return result instanceof Promise || result.issues === undefined ? undefined : describe(result.issues)
  } catch (error) {
    return `Its schema threw: ${error instanceof Error ? error.message : String(error)}`
  }
}

const describe = (issues: readonly StandardSchemaV1.Issue[]): string =>
  `${issues.map((issue) => issue.message).join('; ')}.`

/** Values that were validated before: objects by identity, as long as they live; of others, a bounded number. */
class Accepted {
  readonly #objects = new WeakSet<object>()
  readonly #others = new Set<unknown>()

  has(value: unknown): boolean {
    return typeof value === 'object' && value !== null ? this.#objects.has(value) : this.#others.has(value)
  }

  add(value: unknown): void {
    if (typeof value === 'object' && value !== null) {
      this.#objects.add(value)
      return
    }
    if (this.#others.size >= MAX_REMEMBERED) this.#others.clear()
    this.#others.add(value)
  }
}
