// Copies a data folder, also while a relay works in it. Knows the order that makes the copy whole; nothing of what files say.
//
// An update moves from the journal to its document's tail and from there into a snapshot, never back. So the journal goes
// first: what has left it by then is in the documents' files, which are copied after it. Segments are removed oldest first,
// so they are copied newest first: none can be missing between two others.
import { copyFile, open, readdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { MerrowError, show } from '../../src/errors.ts'
import { makeFolder } from '../../src/storage/make-folder.ts'
import { openFolder, writeFormat } from './files/folder.ts'

/** What was copied. */
export interface Copied {
  readonly files: number
  readonly bytes: number
}

/**
 * Copies a data folder into an empty one. The target can be opened only once it is whole.
 *
 * @throws {@link MerrowError} `folder_unusable` if `source` is no data folder or `target` is not empty.
 */
export const backupFolder = async (source: string, target: string): Promise<Copied> => {
  const { path } = openFolder(source)
  await makeEmpty(target)
  const copied = { files: 0, bytes: 0 }
  for (const name of (await list(join(path, 'journal'))).toReversed())
    await copy(join(path, 'journal', name), join(target, 'journal', name), copied)
  for (const shard of await list(join(path, 'docs')))
    for (const document of await list(join(path, 'docs', shard)))
      await copyDocument(join(path, 'docs', shard, document), join(target, 'docs', shard, document), copied)
  writeFormat(target)
  return copied
}

const TRIES = 20

/** A file may go while its folder is copied: what replaces it is there by then, so the folder is looked at again. */
const copyDocument = async (from: string, to: string, copied: { files: number; bytes: number }): Promise<void> => {
  const done = new Set<string>()
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    let isWhole = true
    for (const name of await list(from)) {
      if (done.has(name) || name.endsWith('.new')) continue
      if (await copy(join(from, name), join(to, name), copied)) done.add(name)
      else isWhole = false
    }
    if (isWhole) return
  }
  throw new MerrowError('storage_failed', `Cannot copy ${show(from)}: it changes all the time. Try again.`)
}

/** Copies one file durably. @returns Whether it was still there. */
const copy = async (from: string, to: string, copied: { files: number; bytes: number }): Promise<boolean> => {
  makeFolder(dirname(to))
  try {
    await copyFile(from, `${to}.new`)
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
  const file = await open(`${to}.new`, 'r+')
  try {
    await file.sync()
    copied.bytes += (await file.stat()).size
    copied.files += 1
  } finally {
    await file.close()
  }
  await rename(`${to}.new`, to)
  return true
}

const makeEmpty = async (folder: string): Promise<void> => {
  makeFolder(folder)
  const [found] = await readdir(folder)
  if (found === undefined) return
  throw new MerrowError(
    'folder_unusable',
    `Cannot write a backup to ${show(folder)}: it is not empty (${show(found)} is there). Give a new folder.`,
  )
}

const list = async (folder: string): Promise<string[]> => {
  try {
    return (await readdir(folder)).sort()
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'
