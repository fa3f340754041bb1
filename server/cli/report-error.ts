// How an error ends on the terminal. Knows MerrowError; no command.
import { MerrowError } from '../../src/errors.ts'

/** Prints what a user can mend as sentences; anything else is a bug and keeps its stack. */
export const reportError = (error: unknown): void => {
  if (error instanceof MerrowError) for (const line of error.message.split('\n')) console.error(`merrow: ${line}`)
  else console.error(error)
}
