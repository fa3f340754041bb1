// Folders for tests, gone when the test is.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** An empty folder that is removed when the test ends. */
export const testFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'merrow-relay-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
