// What a table's log holds of the table as a whole, for all replicas to see. Knows the row log; no columns.
import type { RowLog } from '../rowlog/index.ts'
import { MAX_VERSION, TABLE_RECORD } from '../schema/index.ts'

// A field for each version rather than one with the highest: whoever writes last, none takes back what another has said.
const MIN_VERSION = /^minVersion:([1-9]\d{0,6})$/

/** The oldest version of the schema that may write to a table; 1 if nobody has said so. */
export const readMinVersion = (log: RowLog): number => {
  let highest = 1
  for (const { shape } of log.entries.get(TABLE_RECORD)?.patches ?? [])
    for (const field of shape.columns) {
      const version = Number(MIN_VERSION.exec(field)?.[1] ?? 1)
      if (version > highest && version <= MAX_VERSION) highest = version
    }
  return highest
}

/** Says which version of the schema may still write, unless a higher one is said. Before anybody else uses the log. */
export const writeMinVersion = (log: RowLog, version: number): void => {
  if (version <= readMinVersion(log)) return
  log.stage(TABLE_RECORD, false, [`minVersion:${version}`], [true])
  log.commit()
  log.takeLocalChanges()
}
