// Capture: local writes of mapped tables become drafts of operations. Knows rows before and after; no queue and no network.

import type { Json } from '../../schema/index.ts'
import type { Codec } from '../codec.ts'
import type { Fields } from '../remote-table.ts'
import { DELETED_MARK, isSame } from '../seen.ts'
import type { Draft } from './outbox.ts'

/** A row as far as its backend is concerned; undefined for one that is not there. */
type RowLike = (object & { readonly deletedAt: number | undefined }) | undefined

/** A row's columns in stored form, and whether it is deleted. */
export const storedOf = (codec: Codec, row: RowLike): Fields =>
  row === undefined ? { [DELETED_MARK]: true } : { ...codec.stored(row), [DELETED_MARK]: row.deletedAt !== undefined }

/** What a write of a row means for the backend; undefined for nothing. */
export const draftOf = (codec: Codec, row: string, before: RowLike, after: RowLike): Draft | undefined => {
  const [was, is] = [
    before?.deletedAt === undefined && before !== undefined,
    after?.deletedAt === undefined && after !== undefined,
  ]
  const draft = (kind: Draft['kind'], fields: Fields): Draft => {
    const refs = [before, after].flatMap((one) => (one === undefined ? [] : codec.references(codec.stored(one))))
    return { table: codec.table, row, kind, fields, refs: [...new Set(refs)] }
  }
  if (after === undefined) return before === undefined ? undefined : draft('delete', {})
  if (was && !is)
    return draft('delete', before === undefined ? {} : changedColumns(codec.stored(before), codec.stored(after)))
  const fields = codec.stored(after)
  if (before === undefined) return is ? draft('insert', fields) : undefined
  const changed = changedColumns(codec.stored(before), fields)
  // Deleted anew, which may win over a restore that is not known here: whoever did so deletes the record.
  if (!is && before.deletedAt !== after.deletedAt) return draft('delete', changed)
  if (!is) return Object.keys(changed).length === 0 ? undefined : { ...draft('update', changed), isHidden: true }
  if (!was) return { ...draft('restore', fields), changed }
  return Object.keys(changed).length === 0 ? undefined : draft('update', changed)
}

const changedColumns = (before: Fields, after: Fields): Fields =>
  Object.fromEntries(Object.entries(after).filter(([name, value]: [string, Json]) => !isSame(before[name], value)))
