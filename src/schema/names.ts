// Names: of columns, and of what is stored beside them. Knows no columns.

/** Names that every row has of its own. */
export const RESERVED = ['id', 'createdAt', 'updatedAt', 'deletedAt', 'updatedBy']
const COLUMN_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/

/**
 * The field of a row that says which version of the schema inserted or migrated it; rows without it are of version 1.
 *
 * No column can be called so.
 */
export const VERSION_FIELD = '$version'

/** The id under which a table's log holds what concerns the table as a whole. It is never inserted, so no row shows. */
export const TABLE_RECORD = '\u0001table'

/** Whether a column can be called so. */
export const isColumnName = (name: string): boolean =>
  COLUMN_NAME.test(name) && name !== '__proto__' && !RESERVED.includes(name)
