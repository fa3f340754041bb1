// What a token lets its subject do, by patterns of document names. Knows neither tokens nor documents.
import { show } from '../../src/errors.ts'

/** What somebody may do in a document. */
export type Access = 'none' | 'read' | 'write'

/** Finds the access to a document. */
export type Grants = (document: string) => Access

const MAX_PATTERNS = 256
const MAX_PATTERN_LENGTH = 256

/** Everything to everybody. */
export const ALL_GRANTED: Grants = () => 'write'

/**
 * Reads grants: an object of patterns, each with `read`, `write` or `none`.
 *
 * A pattern is a document's name, or the beginning of names and a `*` at its end: `acme/tasks`, `acme/*`, `acme/tasks@eu-*`. The longest
 * pattern that fits decides, a whole name before all; what no pattern fits is denied.
 *
 * @param claim - As it stands in the token.
 * @throws An `Error` that says what is wrong with it.
 */
export const readGrants = (claim: unknown): Grants => {
  if (typeof claim !== 'object' || claim === null || Array.isArray(claim)) throw new Error('its grants are no object')
  const patterns = Object.entries(claim)
  if (patterns.length > MAX_PATTERNS) throw new Error(`it has more than ${MAX_PATTERNS} grants`)
  const names = new Map<string, Access>()
  const beginnings: { readonly text: string; readonly access: Access }[] = []
  for (const [pattern, access] of patterns) {
    if (!isAccess(access)) throw new Error(`the grant for ${show(pattern)} is not read, write or none`)
    if (pattern.length > MAX_PATTERN_LENGTH || pattern.slice(0, -1).includes('*'))
      throw new Error(`the pattern ${show(pattern)} is no name with at most a * at its end`)
    if (pattern.endsWith('*')) beginnings.push({ text: pattern.slice(0, -1), access })
    else names.set(pattern, access)
  }
  beginnings.sort((a, b) => b.text.length - a.text.length)
  return (document) => names.get(document) ?? beginnings.find(({ text }) => document.startsWith(text))?.access ?? 'none'
}

const isAccess = (value: unknown): value is Access => value === 'none' || value === 'read' || value === 'write'
