// Logs that misbehave on purpose, around a real one.
import type { Log } from '../log/port.ts'

/** A log whose appends wait, or fail. */
export interface HeldLog extends Log {
  /** From now on appends wait for {@link HeldLog.release}. */
  hold(): void
  /** Lets all waiting appends go on. */
  release(): void
  /** From now on appends (or reads) reject with `error`; `undefined` ends that. */
  fail(method: 'append' | 'read', error: Error | undefined): void
}

/** Wraps a log whose methods are its own properties, as the one in memory. */
export const holdLog = (log: Log): HeldLog => {
  const errors: { append?: Error | undefined; read?: Error | undefined } = {}
  let gate: Promise<void> = Promise.resolve()
  let open = () => {}
  return {
    ...log,
    hold() {
      gate = new Promise((resolve) => {
        open = resolve
      })
    },
    release: () => open(),
    fail(method, error) {
      errors[method] = error
    },
    async append(document, updates) {
      await gate
      if (errors.append !== undefined) throw errors.append
      return log.append(document, updates)
    },
    async read(document) {
      if (errors.read !== undefined) throw errors.read
      return log.read(document)
    },
  }
}
