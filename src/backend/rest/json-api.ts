// The preset for JSON:API (v1.1), as options of restTable. Knows its documents; sends nothing itself.
import type { Json } from '../../schema/index.ts'
import { NonsenseError } from '../push/failure.ts'
import type { PulledPage, RemoteRecord, RemoteTable } from '../remote-table.ts'
import { sameOrigin } from './next-page.ts'
import { beginOf, readAnswer } from './read.ts'
import { type PageRequest, type RestTableOptions, restTable } from './rest-table.ts'

/** A reference as JSON:API has it: the relationship's name, and the type of what it leads to. */
export interface JsonApiRelationship {
  readonly name: string
  readonly type: string
}

/** What {@link jsonApiTable} takes beside what `restTable` does. */
export interface JsonApiOptions extends RestTableOptions {
  /** The type of its resources. */
  readonly type: string
  /** Fields that are to-one relationships instead of attributes: `{ projectId: { name: 'project', type: 'projects' } }`. */
  readonly relationships?: Readonly<Record<string, JsonApiRelationship>>
}

type Object = { readonly [key: string]: Json }

/**
 * A collection that speaks JSON:API (v1.1): `{ data: { type, id, attributes, relationships } }`.
 *
 * Lists are read to their end by `links.next`, which must stay at the collection's origin.
 *
 * @example
 * jsonApiTable({ url: 'https://api.example.com/tasks', type: 'tasks', relationships: { projectId: { name: 'project', type: 'projects' } } })
 */
export const jsonApiTable = (options: JsonApiOptions): RemoteTable => {
  const { type, relationships = {}, headers = {}, ...rest } = options
  const media = { ...headers, accept: 'application/vnd.api+json', 'content-type': 'application/vnd.api+json' }
  const flat = (resource: Json): RemoteRecord => flatten(resource, relationships)
  return restTable({
    listChanges: (request) => pullPage(request, media, flat),
    ...rest,
    headers: media,
    record: (answer) => flat(dataOf(answer)),
    body: (data, id) => ({
      data: { type, ...(id === undefined ? {} : { id: String(id) }), ...parted(data, relationships) },
    }),
  })
}

const dataOf = (answer: Json): Json => (answer as Object | null)?.['data'] ?? null

const flatten = (resource: Json, relationships: Readonly<Record<string, JsonApiRelationship>>): RemoteRecord => {
  const { id = null, attributes, relationships: given = {} } = (resource ?? {}) as Object
  const related = Object.entries(relationships).flatMap(([field, { name }]): [string, Json][] => {
    const data = ((given as Object)[name] as Object | undefined)?.['data']
    return data === undefined ? [] : [[field, (data as Object | null)?.['id'] ?? null]]
  })
  return { ...(attributes as Object), ...Object.fromEntries(related), id }
}

const parted = (data: RemoteRecord, relationships: Readonly<Record<string, JsonApiRelationship>>): Object => {
  const attributes: Record<string, Json> = {}
  const related: Record<string, Json> = {}
  for (const [field, value] of Object.entries(data)) {
    const to = relationships[field]
    if (to === undefined) attributes[field] = value
    else related[to.name] = { data: value === null ? null : { type: to.type, id: String(value) } }
  }
  return { attributes, ...(Object.keys(related).length === 0 ? {} : { relationships: related }) }
}

const pullPage = async (
  { url, cursor, call }: PageRequest,
  headers: Readonly<Record<string, string>>,
  flat: (resource: Json) => RemoteRecord,
): Promise<PulledPage> => {
  const { json } = await call.request({ method: 'GET', url: typeof cursor === 'string' ? cursor : url, headers })
  const data = dataOf(json as Json)
  if (!Array.isArray(data))
    throw new NonsenseError('A list of resources was asked for, and none came.', {
      status: 200,
      answer: beginOf(json),
    })
  const next = nextOf(json as Object, url)
  return { records: readAnswer(data, () => data.map(flat)), cursor: next, more: next !== undefined }
}

/** The next page's address. */
const nextOf = ({ links }: Object, url: string): string | undefined => {
  const link = (links as Object | null | undefined)?.['next']
  const href = typeof link === 'object' && link !== null ? (link as Object)['href'] : link
  return typeof href === 'string' ? sameOrigin(href, url) : undefined
}
