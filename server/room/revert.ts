// The way back to a former state, as one update on top of the present one. Knows both kinds of document.
//
// A document cannot be set back: whoever holds the later state would merge it in again. So what was written since is undone
// by new operations, which merge like any other: in a table as new patches with the former values, else as Yjs undoes.
import * as Y from 'yjs'
import { MerrowError } from '../../src/errors.ts'
import { CREATED, DELETED, type Entry, fieldOf, isDeleted, KNEW, RowLog } from '../../src/rowlog/index.ts'
import { elementKey } from '../../src/schema/index.ts'
import { StampClock } from '../../src/stamp.ts'

/** Who reverts, and when. */
export interface RevertOptions {
  /** Name of this writer, unique for good. */
  readonly replica: string
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/**
 * Works out the update that brings a document back to what it said before.
 *
 * @param current - All updates of the document.
 * @param former - Its state then.
 * @returns One update; empty (`0, 0`) if the document says the same as then.
 * @throws {@link MerrowError} `unsupported` if Yjs cannot undo what was written since.
 */
export const revertUpdate = (
  current: readonly Uint8Array[],
  former: Uint8Array,
  options: RevertOptions,
): Uint8Array => {
  const [now, then] = [rowsOf(current, options), rowsOf([former], options)]
  return now.entries.size + then.entries.size > 0 ? revertRows(now, then, options) : revertTypes(current, former)
}

const rowsOf = (updates: readonly Uint8Array[], { replica, now }: RevertOptions): RowLog => {
  const log = new RowLog({ replica, author: 'restore', clock: new StampClock(now) })
  log.load(updates)
  return log
}

const revertRows = (now: RowLog, then: RowLog, options: RevertOptions): Uint8Array => {
  const before = Y.encodeStateVector(now.document)
  for (const [id, entry] of [...now.entries]) {
    const was = then.entries.get(id)
    if (was !== undefined) stageFields(now, id, entry, was)
    else if (!isDeleted(entry)) now.stage(id, false, [DELETED], [options.now()])
  }
  for (const [id, was] of then.entries) if (!now.entries.has(id)) stageFields(now, id, undefined, was)
  now.commit()
  now.seal()
  return Y.encodeStateAsUpdate(now.document, before)
}

/** Writes the fields of a row that are not what they were. */
const stageFields = (log: RowLog, id: string, entry: Entry | undefined, was: Entry): void => {
  const columns: string[] = []
  const values: unknown[] = []
  for (const field of new Set([...fieldsOf(was), ...(entry === undefined ? [] : fieldsOf(entry))])) {
    const [present, value] = [entry && fieldOf(entry, field), formerValue(was, field)]
    if (JSON.stringify(present) === JSON.stringify(value)) continue
    columns.push(field)
    values.push(value)
  }
  const isGone = entry === undefined || !entry.valid.some(({ shape }) => shape.fields.has(CREATED))
  if (columns.length > 0) log.stage(id, isGone, columns, values)
}

const fieldsOf = ({ valid }: Entry): string[] =>
  valid.flatMap(({ shape }) => shape.columns.filter((field) => !field.endsWith(KNEW)))

/** What a field said then. An element of a set that came with the row's insert has no field of its own. */
const formerValue = (was: Entry, field: string): unknown => {
  const value = fieldOf(was, field)
  if (value !== undefined) return value
  if (field === DELETED) return null
  const at = field.indexOf(':')
  const begun = at < 0 ? undefined : fieldOf(was, field.slice(0, at))
  if (!Array.isArray(begun)) return undefined
  return begun.some((element) => elementKey(element) === field.slice(at + 1))
}

const SINCE = Symbol('since')

const revertTypes = (current: readonly Uint8Array[], former: Uint8Array): Uint8Array => {
  const present = loaded(current)
  const doc = loaded([former])
  const undo = new Y.UndoManager(doc, { trackedOrigins: new Set([SINCE]) })
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(present, Y.encodeStateVector(doc)), SINCE)
  while (undo.canUndo()) undo.undo()
  const update = Y.encodeStateAsUpdate(doc, Y.encodeStateVector(present))
  Y.applyUpdate(present, update)
  if (JSON.stringify(contentOf(present)) === JSON.stringify(contentOf(loaded([former])))) return update
  throw new MerrowError(
    'unsupported',
    'Cannot restore this document in place: Yjs could not undo what was written since. Restore it under a new name ("merrow restore --as <name>").',
  )
}

const loaded = (updates: readonly Uint8Array[]): Y.Doc => {
  const doc = new Y.Doc()
  doc.transact(() => {
    for (const update of updates) Y.applyUpdate(doc, update)
  })
  return doc
}

/** What a document shows, whatever its types are: they are not known to a document that nobody has opened. */
const contentOf = (doc: Y.Doc): unknown =>
  [...doc.share]
    .map(([name, type]) => [name, ...partsOf(type)] as const)
    .filter(([, list, map]) => list.length + map.length > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))

type Type = Y.Doc['share'] extends Map<string, infer T> ? T : never

const partsOf = (type: Type): [list: unknown[], map: unknown[]] => {
  const list: unknown[] = []
  for (let item = type._start; item !== null; item = item.right) if (!item.deleted) list.push(...showItem(item))
  const map = [...type._map]
    .filter(([, item]) => !item.deleted)
    .map(([key, item]) => [key, showItem(item).at(-1)])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
  return [list, map]
}

const showItem = ({ content }: Y.Item): unknown[] => {
  if (content instanceof Y.ContentType) return [partsOf(content.type as Type)]
  // Marks that change nothing stand in other places after an undo; the letters are what counts.
  if (content instanceof Y.ContentFormat) return []
  if (content instanceof Y.ContentString) return [...content.str]
  return content.getContent()
}
