// Reads every record of a data folder and says what is damaged. Changes nothing, and may run beside a relay.
import { openFileLog } from './file-log.ts'
import type { Log } from './port.ts'

/** What was found. */
export interface Verified {
  readonly documents: number
  readonly updates: number
  readonly snapshots: number
  readonly bytes: number
  /** What is wrong, a sentence each. */
  readonly faults: readonly string[]
}

/**
 * Reads a data folder.
 *
 * @throws {@link MerrowError} If it cannot be opened at all.
 */
export const verifyFolder = async (folder: string): Promise<Verified> => {
  const found = { documents: 0, updates: 0, snapshots: 0, bytes: 0, faults: [] as string[] }
  const log = await openFileLog({
    folder,
    isReadOnly: true,
    logger: (level, message, fields = {}) => {
      if (level === 'error') found.faults.push(`${message}: ${Object.values(fields).join(', ')}`)
    },
  })
  try {
    for (const document of await log.documents()) {
      found.documents += 1
      try {
        await verifyDocument(log, document, found)
      } catch (error) {
        found.faults.push(error instanceof Error ? error.message : String(error))
      }
    }
  } finally {
    await log.close()
  }
  return found
}

const verifyDocument = async (
  log: Log,
  document: string,
  found: { updates: number; snapshots: number; bytes: number },
): Promise<void> => {
  const { entries } = await log.read(document)
  found.updates += entries.length
  for (const { update } of entries) found.bytes += update.length
  for (const { upTo } of await log.snapshots(document)) {
    const snapshot = await log.readSnapshot(document, upTo)
    for await (const block of snapshot?.stream() ?? []) found.bytes += block.length
    found.snapshots += 1
  }
}
