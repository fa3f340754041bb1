// Which version this is, as its package says. Knows nothing else.
import { createRequire } from 'node:module'

/** Version of this package. */
export const version = (): string => {
  const { version } = createRequire(import.meta.url)('merrow/package.json') as { version: string }
  return version
}
