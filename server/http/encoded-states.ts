// States of documents in compressed form: made once for each snapshot, kept as files, sent from there. Knows no HTTP.
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createBrotliCompress, createGzip } from 'node:zlib'
import { makeFolder } from '../../src/storage/make-folder.ts'
import type { StoredSnapshot } from '../log/port.ts'

/** How a state may be compressed. */
export type Encoding = 'br' | 'gzip'

/** Bytes that can be sent from any place on. */
export interface Sendable {
  readonly bytes: number
  /** Reads from byte `start` up to and without `end`. */
  stream(start: number, end: number): AsyncIterable<Uint8Array>
}

/** Compressed states, in a folder that may be emptied at any time. */
export interface EncodedStates {
  /** The state of a snapshot in an encoding; who asks while it is made waits for the same. */
  get(document: string, snapshot: StoredSnapshot, encoding: Encoding): Promise<Sendable>
  /** Removes them all. */
  close(): Promise<void>
}

const MAX_CACHE_BYTES = 1024 * 1024 * 1024

/** Creates the cache. @param folder - Its own folder, made when it is needed, and emptied then. */
export const createEncodedStates = (folder: string, maxBytes: number = MAX_CACHE_BYTES): EncodedStates => {
  const making = new Map<string, Promise<number>>()
  let ready: Promise<unknown> | undefined

  const make = async (file: string, snapshot: StoredSnapshot, encoding: Encoding): Promise<number> => {
    ready ??= rm(folder, { recursive: true, force: true }).then(() => makeFolder(folder))
    await ready.catch((error: unknown) => {
      // A disk that is full now has room later.
      ready = undefined
      throw error
    })
    const there = await sizeOf(file)
    if (there !== undefined) return there
    await trim(folder, maxBytes)
    await pipeline(Readable.from(snapshot.stream()), compressor(encoding), createWriteStream(`${file}.new`))
    await rename(`${file}.new`, file)
    return (await sizeOf(file)) ?? 0
  }

  return {
    async get(document, snapshot, encoding) {
      const name = createHash('sha256').update(document).digest('hex').slice(0, 32)
      const file = join(folder, `${name}-${snapshot.upTo}-${snapshot.takenAt}.${encoding}`)
      const running = making.get(file) ?? make(file, snapshot, encoding).finally(() => making.delete(file))
      making.set(file, running)
      const bytes = await running
      return { bytes, stream: (start, end) => (start < end ? createReadStream(file, { start, end: end - 1 }) : none()) }
    },
    close: () => rm(folder, { recursive: true, force: true }),
  }
}

async function* none(): AsyncGenerator<Uint8Array> {}

/** Quick rather than small: a state is seldom sent often enough to pay for more. */
const compressor = (encoding: Encoding) =>
  encoding === 'gzip'
    ? createGzip({ level: 4 })
    : createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_LGWIN]: 22 } })

const sizeOf = async (file: string): Promise<number | undefined> => {
  try {
    return (await stat(file)).size
  } catch {
    // Not made yet, or trimmed.
    return undefined
  }
}

/** Removes the files that were made first until the rest is small enough. */
const trim = async (folder: string, maxBytes: number): Promise<void> => {
  const files = await Promise.all(
    (await readdir(folder)).map(async (name) => {
      const { size, mtimeMs } = await stat(join(folder, name))
      return { path: join(folder, name), size, mtimeMs }
    }),
  )
  let total = files.reduce((sum, { size }) => sum + size, 0)
  for (const { path, size } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
    if (total <= maxBytes) return
    await rm(path, { force: true })
    total -= size
  }
}
