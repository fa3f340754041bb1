// What a store says of itself beside its documents: its format and the name of its device. Knows no documents.
import { MerrowError } from './errors.ts'
import { type RandomBytes, randomName } from './ids.ts'
import type { Storage } from './storage/port.ts'

/** Version of what a store holds beside Yjs's own format; a newer store is not touched. */
const STORE_FORMAT = 1

/** Marks a new store with its format. @throws {@link MerrowError} `newer_format`; the store is not touched then. */
export const checkFormat = async (storage: Storage, name: string): Promise<void> => {
  const format = await storage.readMeta('format')
  if (format === undefined) return storage.writeMeta('format', String(STORE_FORMAT))
  if (Number(format) !== STORE_FORMAT)
    throw new MerrowError(
      'newer_format',
      `The store of database "${name}" has format ${format}; this version of Merrow reads format ${STORE_FORMAT}. Update Merrow. The store was not touched.`,
    )
}

/** A name for this store, the same at every opening, so that a run can tell what earlier ones wrote. */
export const deviceOf = async (storage: Storage, random: RandomBytes): Promise<string> => {
  const known = await storage.readMeta('device')
  if (known !== undefined) return known
  const device = randomName(random)
  await storage.writeMeta('device', device)
  return device
}
