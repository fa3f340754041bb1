// Where rows go to or come from: a database in a store on disk, or on a relay. Knows how each is opened.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDatabase, type Database, type IdScheme, MerrowError, type Schema } from '../../src/index.ts'
import { lmdb, memory } from '../../src/storage/index.ts'
import { relay } from '../../src/sync/index.ts'
import { type Arguments, readToken } from './arguments.ts'

/** The options that say where. */
export const PLACE_OPTIONS = ['store', 'relay', 'db', 'token-file', 'timeout'] as const

/** The options that say where, for usage texts. */
export const PLACE_USAGE = `  --db <name>           name of the database
  --store <folder>      the store on this disk that has it: what lmdb({ path: folder }) was given
  --relay <url>         or the relay, ws(s):// or http(s)://; the token from MERROW_TOKEN or --token-file
  --token-file <file>   file with the token
  --timeout <seconds>   how long to wait for the relay (30)
`

/** A database's place. */
export type Place =
  | { readonly kind: 'store'; readonly name: string; readonly folder: string }
  | {
      readonly kind: 'relay'
      readonly name: string
      readonly url: string
      readonly token: string | undefined
      readonly timeoutMs: number
    }

const DEFAULT_TIMEOUT_S = 30

/** Reads where from the arguments, adding to their faults. */
export const readPlace = (args: Arguments, env: Readonly<NodeJS.ProcessEnv>): Place => {
  const { values, faults } = args
  const [name, folder, url] = [values.get('db'), values.get('store'), values.get('relay')]
  const timeoutS = Number(values.get('timeout') ?? DEFAULT_TIMEOUT_S)
  if (name === undefined) faults.push('Option --db is missing: the name of the database.')
  if ((folder === undefined) === (url === undefined)) faults.push('Give either --store <folder> or --relay <url>.')
  if (!(timeoutS > 0)) faults.push('Option --timeout needs a number of seconds above 0.')
  if (url === undefined) return { kind: 'store', name: name ?? '', folder: folder ?? '' }
  return { kind: 'relay', name: name ?? '', url, token: readToken(args, env), timeoutMs: timeoutS * 1000 }
}

/** Whether a store is there already; opening one that is not makes it. */
export const isThere = (place: Place): boolean => place.kind === 'relay' || existsSync(join(place.folder, place.name))

/** How a database is opened. */
export interface OpenOptions {
  /** Who writes. */
  readonly user?: string | undefined
  /** How ids of new rows are made. */
  readonly ids?: IdScheme | undefined
  /** Whether nothing will be written, so that no store is to be made. */
  readonly isTrial?: boolean
}

/**
 * Opens the database, with all that the relay holds of it.
 *
 * @throws {@link MerrowError} as `createDatabase`; `relay_unreachable` if the relay does not answer in time, or what it refuses with.
 */
export const openPlace = async (
  place: Place,
  schema: Schema,
  { user, ids, isTrial = false }: OpenOptions = {},
): Promise<Database> => {
  const who = {
    name: place.name,
    schema,
    ...(user === undefined ? {} : { user }),
    ...(ids === undefined ? {} : { ids }),
  }
  if (place.kind === 'store') {
    const storage = isTrial && !isThere(place) ? memory() : lmdb({ path: place.folder })
    return createDatabase({ ...who, storage })
  }
  const { url, token } = place
  const db = await createDatabase({ ...who, sync: relay(token === undefined ? { url } : { url, token }) })
  try {
    await inTime(db, place, db.synced())
    return db
  } catch (error) {
    await db.close()
    throw error
  }
}

/** Waits for what the relay has to do. @throws {@link MerrowError} what the relay refused with; `relay_unreachable` if it takes too long. */
export const inTime = async (db: Database, place: Place, work: Promise<void>): Promise<void> => {
  if (place.kind === 'store') return work
  const ended = new AbortController()
  let stop = (): void => {}
  const refused = new Promise<never>((_, reject) => {
    const look = (): void => {
      if (db.status.connection === 'refused') reject(db.status.error)
    }
    stop = db.status.subscribe(look)
    look()
  })
  const late = sleep(place.timeoutMs, undefined, { signal: ended.signal }).then(() => {
    throw new MerrowError(
      'relay_unreachable',
      `The relay at ${place.url} did not answer within ${place.timeoutMs / 1000} s. Is it running? Give more time with --timeout.`,
      { cause: db.status.error },
    )
  })
  try {
    await Promise.race([work, refused, late])
  } finally {
    stop()
    ended.abort()
    for (const promise of [work, refused, late]) promise.catch(() => {})
  }
}
