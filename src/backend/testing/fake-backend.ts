// A backend in memory, with the manners of bench/backend: keys that it makes, foreign keys, versions, tombstones, one effect a key.

/** A record as it stands there. */
export interface FakeRecord {
  readonly id: number
  version: number
  /** Place among all changes. */
  change: number
  isDeleted: boolean
  updatedAt: string
  fields: Record<string, unknown>
}

/** What a backend can and cannot do. */
export interface FakeOptions {
  /** Table -> its references: field -> table. */
  readonly tables: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly now: () => number
  /** Whether an `Idempotency-Key` is heeded. */
  readonly heedsKeys?: boolean
  readonly pageSize?: number
}

/** One request as it is seen there. */
export interface FakeRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Headers
  readonly body: Record<string, unknown> | undefined
}

/** One item of a request for several, with its key and, unless it is to be made, the id of its record. */
export interface FakeItem {
  readonly id?: number
  readonly key?: string
  readonly [field: string]: unknown
}

/** What becomes of an item: it is handled, it alone fails, or the backend fails with what came before it done. */
export type ItemFate = 'handled' | 'fails' | 'ends all'

export interface FakeAnswer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

/** The backend. */
export class FakeBackend {
  readonly tables: Map<string, Map<number, FakeRecord>>
  readonly #options: FakeOptions
  readonly #answers = new Map<string, FakeAnswer>()
  #change = 0
  #lastId = 0
  /** Cursors from before are refused. */
  #epoch = 1
  /** How often each effect took place, by key. */
  readonly effects = new Map<string, number>()
  /** Records that a request was let change again, since no key tells that it was handled before. */
  readonly repeated = new Set<FakeRecord>()
  /** Foreign keys that were asked for in vain. */
  violations = 0
  /** Told of each request and its answer. */
  onRequest: (request: FakeRequest, answer: FakeAnswer) => void = () => {}
  /** Answers some requests in place of the backend. */
  refuses: (request: FakeRequest) => FakeAnswer | undefined = () => undefined
  /** Decides what becomes of the next item of a request for several. */
  itemFate: () => ItemFate = () => 'handled'
  /** Makes the answer to a request for several of the answers to its items; undefined if it is lost on its way. */
  listAnswer: (answers: unknown[]) => unknown = (answers) => answers

  constructor(options: FakeOptions) {
    this.#options = options
    this.tables = new Map(Object.keys(options.tables).map((name) => [name, new Map()]))
  }

  loseCursors(): void {
    this.#epoch += 1
  }

  /** Handles one request, at once and wholly. */
  handle(request: FakeRequest): FakeAnswer {
    const answer = this.refuses(request) ?? this.#handle(request)
    this.onRequest(request, answer)
    const date = new Date(this.#options.now()).toUTCString()
    return { ...answer, headers: { date, ...answer.headers } }
  }

  /** Handles a request for several, item by item, each under its own key; one that fails leaves the others as they are. */
  handleList({
    items,
    ...request
  }: Omit<FakeRequest, 'body'> & { readonly items: readonly FakeItem[] }): FakeAnswer | 'lost' {
    const answers: unknown[] = []
    for (const { key, id, ...body } of items) {
      const fate = this.itemFate()
      if (fate === 'ends all') return { status: 500, body: 'oh, in the middle' }
      const headers = new Headers(key === undefined ? {} : { 'idempotency-key': key })
      const path = id === undefined ? request.path : `${request.path}/${id}`
      const { status, body: answer } =
        fate === 'fails' ? { status: 503, body: 'not now' } : this.handle({ ...request, path, headers, body })
      answers.push(status < 400 ? (answer ?? {}) : { status, error: answer })
    }
    const body = this.listAnswer(answers)
    return body === undefined ? 'lost' : { status: 200, body }
  }

  #handle(request: FakeRequest): FakeAnswer {
    const key = request.headers.get('idempotency-key')
    const isWrite = request.method !== 'GET'
    const before = isWrite && key !== null && this.#options.heedsKeys !== false ? this.#answers.get(key) : undefined
    if (before !== undefined) return before
    const answer = this.#route(request)
    if (isWrite && key !== null && answer.status < 400) {
      this.#answers.set(key, answer)
      this.effects.set(key, (this.effects.get(key) ?? 0) + 1)
    }
    return answer
  }

  #route({ method, path, query, headers, body = {} }: FakeRequest): FakeAnswer {
    const [, table = '', id] = path.split('/')
    const records = this.tables.get(table)
    if (records === undefined) return { status: 404, body: { error: 'no such table' } }
    if (id === undefined) return method === 'POST' ? this.#create(table, body) : this.#list(table, query)
    const record = records.get(Number(id))
    if (record === undefined || record.isDeleted) return { status: 404, body: { error: 'no such record' } }
    if (method === 'GET') return { status: 200, body: shown(record) }
    const expected = headers.get('if-match')
    if (expected !== null && expected !== `"${record.version}"`) return { status: 412, body: { error: 'version' } }
    return method === 'DELETE'
      ? this.#remove(table, record)
      : this.#update(table, record, body, headers.get('idempotency-key'))
  }

  #create(table: string, fields: Record<string, unknown>): FakeAnswer {
    const refusal = this.#refuse(table, fields)
    if (refusal !== undefined) return refusal
    // What heeds no keys has at least a unique column: nobody could tell a request that the network doubled from two.
    const isTaken = this.live(table).some(
      (one) => one.fields['client'] === fields['client'] && fields['client'] !== undefined,
    )
    if (this.#options.heedsKeys === false && isTaken) return { status: 409, body: { error: 'unique client' } }
    this.#lastId += 1
    const record = { id: this.#lastId, version: 0, change: 0, isDeleted: false, updatedAt: '', fields: { ...fields } }
    this.tables.get(table)?.set(record.id, record)
    this.touch(record)
    return { status: 201, body: shown(record) }
  }

  #update(table: string, record: FakeRecord, fields: Record<string, unknown>, key: string | null): FakeAnswer {
    const refusal = this.#refuse(table, fields)
    if (refusal !== undefined) return refusal
    if (this.effects.has(String(key))) this.repeated.add(record)
    Object.assign(record.fields, fields)
    this.touch(record)
    return { status: 200, body: shown(record) }
  }

  #remove(table: string, record: FakeRecord): FakeAnswer {
    for (const [other, references] of Object.entries(this.#options.tables))
      for (const [field, target] of Object.entries(references))
        if (
          target === table &&
          [...(this.tables.get(other)?.values() ?? [])].some((one) => !one.isDeleted && one.fields[field] === record.id)
        ) {
          this.violations += 1
          return { status: 422, body: { error: `record ${record.id} is referred to by ${other}` } }
        }
    record.isDeleted = true
    this.touch(record)
    return { status: 204 }
  }

  /** Poison is refused, and so is a reference to nothing. */
  #refuse(table: string, fields: Record<string, unknown>): FakeAnswer | undefined {
    if (Object.values(fields).includes('poison')) return { status: 422, body: { error: 'poison' } }
    for (const [field, target] of Object.entries(this.#options.tables[table] ?? {})) {
      const id = fields[field]
      if (id === undefined || id === null) continue
      const found = this.tables.get(target)?.get(id as number)
      if (found !== undefined && !found.isDeleted) continue
      this.violations += 1
      return { status: 422, body: { error: `foreign key ${field} = ${String(id)}` } }
    }
    return undefined
  }

  #list(table: string, query: URLSearchParams): FakeAnswer {
    const records = [...(this.tables.get(table)?.values() ?? [])]
    const client = query.get('client')
    if (client !== null)
      return {
        status: 200,
        body: records.filter((one) => one.fields['client'] === client && !one.isDeleted).map(shown),
      }
    const [epoch, after] = (query.get('after') ?? `${this.#epoch}.0`).split('.').map(Number) as [number, number]
    if (epoch !== this.#epoch) return { status: 410, body: { error: 'cursor' } }
    const { pageSize = 5 } = this.#options
    const news = records.filter(({ change }) => change > after).sort((a, b) => a.change - b.change)
    const page = news.slice(0, pageSize)
    const isFirst = query.get('after') === null
    return {
      status: 200,
      body: {
        records: page.filter(({ isDeleted }) => !isDeleted).map(shown),
        deleted: page.filter(({ isDeleted }) => isDeleted && !isFirst).map(({ id }) => id),
        cursor: `${this.#epoch}.${page.at(-1)?.change ?? after}`,
        more: news.length > page.length,
      },
    }
  }

  /** Somebody else changes a record. */
  touch(record: FakeRecord): void {
    this.#change += 1
    record.version += 1
    record.change = this.#change
    record.updatedAt = new Date(this.#options.now()).toISOString()
  }

  /** Records that are there, of one table. */
  live(table: string): FakeRecord[] {
    return [...(this.tables.get(table)?.values() ?? [])].filter(({ isDeleted }) => !isDeleted)
  }
}

const shown = ({ id, version, updatedAt, fields }: FakeRecord): Record<string, unknown> => ({
  id,
  version,
  updatedAt,
  ...fields,
})
