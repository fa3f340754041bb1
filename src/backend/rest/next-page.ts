// Whether a list goes on elsewhere, or says that it is not whole. Knows answers; sends nothing.
import { show } from '../../errors.ts'
import type { Json } from '../../schema/index.ts'
import { NonsenseError } from '../push/failure.ts'
import type { RemoteAnswer } from '../remote-table.ts'
import { beginOf } from './read.ts'

type Object = { readonly [key: string]: Json }

/** A link to the next page is asked for with the token, so it must be of the same origin. @throws {@link NonsenseError} if it is not. */
export const sameOrigin = (href: string, url: string): string => {
  const next = new URL(href, url)
  if (next.origin === new URL(url).origin) return next.href
  throw new NonsenseError(`The next page leads to another origin: ${show(next.origin)}.`, { status: 200, answer: href })
}

/**
 * Where a list goes on: by a `Link` header (RFC 8288), or by `next`, `links.next` or `links.next.href` in the answer.
 *
 * @param url - Where the page came from.
 * @throws {@link NonsenseError} for another origin.
 */
export const nextPage = (
  { headers, json }: Pick<RemoteAnswer, 'headers' | 'json'>,
  url: string,
): string | undefined => {
  const { next, links } = objectOf(json)
  const linked = objectOf(links)['next']
  const href = linkIn(headers) ?? textOf(next) ?? textOf(linked) ?? textOf(objectOf(linked)['href'])
  return href === undefined ? undefined : sameOrigin(href, url)
}

/**
 * A list that says there is more than it shows is not all there is: what it lacks must not be taken for deleted.
 *
 * @param count - Records of all its pages.
 * @throws {@link NonsenseError} for `has_more`, or a count or total that is higher.
 */
export const assertWhole = (json: unknown, count: number): void => {
  const answer = objectOf(json)
  const facts = { ...answer, ...objectOf(answer['meta']) }
  const total = TOTALS.map((name) => facts[name]).find((value) => typeof value === 'number' && value > count)
  if (total === undefined && !MORE.some((name) => facts[name] === true)) return
  throw new NonsenseError(
    `The list has ${count} records, and says that there are more: list it by a cursor or a function, with its pages.`,
    { status: 200, answer: beginOf(json) },
  )
}

const TOTALS = ['total', 'count', 'total_count', 'totalCount']
const MORE = ['has_more', 'hasMore']

const linkIn = (headers: Headers): string | undefined =>
  /<([^>]+)>\s*;[^,]*\brel="?next"?/i.exec(headers.get('link') ?? '')?.[1]

const objectOf = (value: unknown): Object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Object) : {}

const textOf = (value: Json | undefined): string | undefined =>
  typeof value === 'string' && /^(https?:\/\/|[/?])/.test(value) ? value : undefined
