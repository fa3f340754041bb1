// The few calls by which the log touches the disk, so that tests can let each of them fail. Knows files, nothing of logs.
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync, writeSync } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeFolder } from '../../../src/storage/make-folder.ts'

/** A file that is written from its beginning. */
export interface WritableFile {
  /** Writes all of `bytes` at the end. */
  append(bytes: Uint8Array): Promise<void>
  /** Resolves once everything written is on disk (`fdatasync`). */
  sync(): Promise<void>
  close(): Promise<void>
}

/** A file that is read; reading is synchronous, so that what is read of several files fits together. */
export interface ReadableFile {
  readonly bytes: number
  /** Reads `length` bytes at `from`, fewer at the end of the file. */
  read(from: number, length: number): Buffer
  close(): void
}

/** The disk as the log uses it. */
export interface Disk {
  /** Names in a folder; none if it is missing. */
  list(folder: string): readonly string[]
  openToRead(path: string): ReadableFile
  /** Creates a file, which must not exist. */
  create(path: string): Promise<WritableFile>
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Makes a folder with its parents, durably. */
  makeFolder(folder: string): Promise<void>
  /** Makes durable which names a folder has (`fsync`). */
  syncFolder(folder: string): Promise<void>
}

/** The disk itself. */
export const nodeDisk: Disk = {
  list(folder) {
    try {
      return readdirSync(folder)
    } catch (error) {
      if (isCode(error, 'ENOENT')) return []
      throw error
    }
  },
  openToRead(path) {
    const file = openSync(path, 'r')
    return {
      bytes: fstatSync(file).size,
      read(from, length) {
        const bytes = Buffer.allocUnsafeSlow(length)
        return bytes.subarray(0, readSync(file, bytes, 0, length, from))
      },
      close: () => closeSync(file),
    }
  },
  async create(path) {
    const file = await open(path, 'wx')
    return {
      append: (bytes) => writeAll(file, bytes),
      sync: () => file.datasync(),
      close: () => file.close(),
    }
  },
  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),
  async makeFolder(folder) {
    if (existsSync(folder)) return
    makeFolder(folder)
    await nodeDisk.syncFolder(dirname(folder))
    await nodeDisk.syncFolder(dirname(dirname(folder)))
  },
  async syncFolder(folder) {
    const handle = await open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
}

/** A write of so few bytes is a copy into the system's memory, done before a thread could be asked; what waits for the disk is the sync. */
const SMALL_WRITE_BYTES = 64 * 1024

const writeAll = async (file: FileHandle, bytes: Uint8Array): Promise<void> => {
  const isSmall = bytes.length <= SMALL_WRITE_BYTES
  for (let at = 0; at < bytes.length; )
    at += isSmall ? writeSync(file.fd, bytes, at) : (await file.write(bytes, at)).bytesWritten
}

/**
 * Writes a whole file durably: aside, synced, then renamed. A crash leaves the old file or the new one.
 *
 * @param check - Looks at the file before it gets its name; throws if it is not as it should be.
 */
export const writeFileDurably = async (
  disk: Disk,
  path: { readonly folder: string; readonly name: string },
  parts: readonly Uint8Array[],
  check: (aside: string) => Promise<unknown> = async () => {},
): Promise<void> => {
  const { folder, name } = path
  const aside = `${folder}/${name}.new`
  await disk.makeFolder(folder)
  await disk.remove(aside)
  const file = await disk.create(aside)
  try {
    for (const part of parts) await file.append(part)
    await file.sync()
  } finally {
    await file.close()
  }
  await check(aside)
  await disk.rename(aside, `${folder}/${name}`)
  await disk.syncFolder(folder)
}

/** Reads a whole file. */
export const readFile = (disk: Disk, path: string): Buffer => {
  const file = disk.openToRead(path)
  try {
    return file.read(0, file.bytes)
  } finally {
    file.close()
  }
}

/** The text of a small file; `undefined` if there is none. */
export const readIfThere = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    if (isCode(cause, 'ENOENT')) return undefined
    throw cause
  }
}

/** Whether an error is the system's, of this code. */
export const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
