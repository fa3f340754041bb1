// Makes a folder on disk with those above it, step by step: Node's own way never ends in places such as /proc. Knows nothing of what is put there.
import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Makes a folder and its parents, as far as they are missing.
 *
 * @param path - Absolute, or relative to the working directory.
 * @throws The system's error if one of them cannot be made.
 */
export const makeFolder = (path: string): void => {
  const folder = resolve(path)
  if (isFolder(folder)) return
  const parent = dirname(folder)
  if (parent !== folder) makeFolder(parent)
  try {
    mkdirSync(folder)
  } catch (cause) {
    // Somebody else may have made it meanwhile.
    if (!isFolder(folder)) throw cause
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
