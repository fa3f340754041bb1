// Which relation a caller means, by its name or by what it names. Knows the catalog; reads no rows.
import { show } from '../../errors.ts'
import { type Catalog, type Relation, refsBetween, relationNames, relationOf, type TableInfo } from './catalog.ts'
import { refuseQuery } from './condition.ts'

/** A relation as a caller spells it out. */
export interface NamedRelation {
  /** A column that refers to the other table: of this table or, with `from`, of that one. */
  readonly by?: string
  /** The other table, which refers to this one. */
  readonly from?: string
  /** A table that refers to both. */
  readonly through?: string
}

/** The relation that a name alone stands for. @throws {@link MerrowError} `invalid_argument` */
export const impliedRelation = (catalog: Catalog, table: TableInfo, name: string): Relation => {
  const relation = relationOf(catalog, table, name)
  if (relation !== undefined) return relation
  const names = relationNames(catalog, table)
  throw refuseQuery(
    { table, call: 'include()' },
    `there is no relation ${show(name)}; the relations are ${names.length === 0 ? 'none' : names.join(', ')}. Others are included as include('name', { by }) or include('name', { from }).`,
  )
}

/** The relation that a caller has spelt out. @throws {@link MerrowError} `invalid_argument` */
export const namedRelation = (
  catalog: Catalog,
  table: TableInfo,
  name: string,
  { by, from, through }: NamedRelation,
): Relation => {
  const refuse = (reason: string) => refuseQuery({ table, call: 'include()' }, `${name}: ${reason}`)
  const one = (of: string, to: string, chosen?: string): string => {
    const refs = refsBetween(catalog, of, to)
    if (chosen !== undefined && refs.includes(chosen)) return chosen
    if (chosen === undefined && refs.length === 1) return refs[0] as string
    const found =
      chosen === undefined
        ? `table "${of}" has ${refs.length} columns that refer to "${to}"`
        : `column "${chosen}" of table "${of}" does not refer to "${to}"`
    throw refuse(`${found}. Name one by { by }: ${refs.join(', ')}.`)
  }
  if (through !== undefined && from !== undefined)
    return { kind: 'through', table: from, link: through, from: one(through, table.name), to: one(through, from) }
  if (from !== undefined) return { kind: 'many', table: from, by: one(from, table.name, by) }
  const target = table.refs.get(by ?? '')
  if (target === undefined || by === undefined)
    throw refuse(`column ${show(by)} refers to no table. Give { by: 'column' } or { from: 'table' }.`)
  return { kind: 'one', table: target, by }
}
