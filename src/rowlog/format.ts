// What stands in a segment: four kinds of element, as plain values. Knows nothing of Yjs, rows or merging.
//
//   header   { format, replica, author, since }      first in its segment; `since` is the stamp that patches count from
//   shape    { shape: [column, ...], insert }        names columns once; shapes are numbered in the order they stand
//   patch    [shape number, packed row id, stamp - since, value, ...]
//   seal     { sealed: true }                        nothing will be appended after it
//
// Values stand in the order of the shape's columns. A patch of an `insert` shape also creates its row.

/** Version of this page. A segment of another version is kept, and not read. */
export const FORMAT = 1
/** Most patches in a segment. */
export const SEGMENT_PATCHES = 256
/** Position of the first value in a patch. */
export const FIRST_VALUE = 3

/** Who wrote a segment, and the stamp that its patches count from. */
export interface Header {
  readonly replica: string
  readonly author: string | undefined
  readonly since: number
}

/** A patch as it rests in a segment. */
export type RawPatch = readonly [shape: number, id: string, sinceHeader: number, ...values: unknown[]]

/** One element of a segment, told apart. */
export type Element =
  | { readonly kind: 'header'; readonly format: number; readonly header: Header }
  | { readonly kind: 'shape'; readonly insert: boolean; readonly columns: readonly string[] }
  | { readonly kind: 'patch'; readonly raw: RawPatch }
  | { readonly kind: 'seal' }
  | { readonly kind: 'unknown' }

const UNKNOWN: Element = { kind: 'unknown' }
const SEAL: Element = { kind: 'seal' }

/** The stored form of a header. */
export const encodeHeader = ({ replica, author, since }: Header): object => ({
  format: FORMAT,
  replica,
  author: author ?? null,
  since,
})
/** The stored form of a shape. */
export const encodeShape = (insert: boolean, columns: readonly string[]): object => ({
  shape: columns,
  insert,
})
/** The stored form of a seal. */
export const encodeSeal = (): object => ({ sealed: true })

/** Tells an element apart. It may come from anyone: whatever is not of the form above is `unknown`. */
export const decodeElement = (value: unknown): Element => {
  if (Array.isArray(value)) return isRawPatch(value) ? { kind: 'patch', raw: value } : UNKNOWN
  if (typeof value !== 'object' || value === null) return UNKNOWN
  if ('sealed' in value) return value.sealed === true ? SEAL : UNKNOWN
  if ('shape' in value) return decodeShape(value)
  if ('format' in value) return decodeHeader(value)
  return UNKNOWN
}

const isRawPatch = (value: readonly unknown[]): value is RawPatch =>
  isCount(value[0]) && typeof value[1] === 'string' && isCount(value[2])

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

const decodeShape = (value: { readonly shape: unknown; readonly insert?: unknown }): Element => {
  const { shape, insert } = value
  if (!Array.isArray(shape) || !shape.every(isColumnName) || new Set(shape).size !== shape.length) return UNKNOWN
  return { kind: 'shape', insert: insert === true, columns: shape }
}

const isColumnName = (name: unknown): name is string =>
  typeof name === 'string' && name.length > 0 && name.length <= 64 && !name.includes('\0')

const decodeHeader = (value: object): Element => {
  const { format, replica, author, since } = value as Record<string, unknown>
  if (!isCount(format)) return UNKNOWN
  if (typeof replica !== 'string' || !isCount(since))
    return format === FORMAT ? UNKNOWN : { kind: 'header', format, header: NOBODY }
  return {
    kind: 'header',
    format,
    header: { replica, author: typeof author === 'string' ? author : undefined, since },
  }
}

const NOBODY: Header = { replica: '', author: undefined, since: 0 }
