// Reading an answer by a function that may not expect it. Knows no HTTP.
import type { Json } from '../../schema/index.ts'
import { AnswerError, NonsenseError } from '../push/failure.ts'

const SHOWN = 500

/** What `read` makes of an answer. @throws {@link NonsenseError} with the answer's beginning for whatever `read` throws. */
export const readAnswer = <T>(answer: unknown, read: (answer: Json) => T): T => {
  try {
    return read((answer ?? null) as Json)
  } catch (cause) {
    if (cause instanceof AnswerError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new NonsenseError(`The answer is not of the form that was expected: ${reason}`, {
      status: 200,
      answer: beginOf(answer),
      cause,
    })
  }
}

/** How an answer begins, as JSON. */
export const beginOf = (answer: unknown): string => (JSON.stringify(answer) ?? '').slice(0, SHOWN)
