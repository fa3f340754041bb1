// What work throws: for tests of refusals. Knows errors alone.
import { MerrowError } from '../../errors.ts'

/** The error that work throws. @throws What is none of Merrow's; and if nothing is thrown. */
export const errorOf = (work: () => unknown): MerrowError => {
  try {
    work()
  } catch (error) {
    if (error instanceof MerrowError) return error
    throw error
  }
  throw new Error('Nothing was thrown.')
}

/** The code of that error. */
export const codeOf = (work: () => unknown): string => errorOf(work).code
