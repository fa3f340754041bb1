// Planted bugs, which seeded histories must catch. Each changes what a history is made of, or the engine while it runs.

import { IdMap } from '../identity/ids.ts'
import { AnswerError, type Bulk, type RemoteTable } from '../index.ts'
import { KeyedLog } from '../keyed-log.ts'
import { Outbox } from '../outbox/outbox.ts'
import { Queue } from '../outbox/queue.ts'
import { Rows } from '../rows.ts'
import { SeenRecords } from '../seen.ts'
import type { Plant } from './history.ts'

/** Puts another method in place while a history runs. */
const patch =
  <T extends object, N extends keyof T>(target: T, name: N, make: (original: T[N]) => T[N]) =>
  (): (() => void) => {
    const original = target[name]
    target[name] = make(original)
    return () => {
      target[name] = original
    }
  }

/** A collection whose writes are wrapped. */
const wrapped =
  (names: readonly ('create' | 'update' | 'remove')[], around: (send: () => Promise<unknown>) => Promise<unknown>) =>
  (remote: RemoteTable): RemoteTable => ({
    ...remote,
    ...Object.fromEntries(
      names.map((name) => [
        name,
        (...given: never[]) => around(() => (remote[name] as (...all: never[]) => Promise<unknown>)(...given)),
      ]),
    ),
  })

const withHeaders =
  (change: (headers: Headers) => void) =>
  (fetch: typeof globalThis.fetch): typeof globalThis.fetch =>
  (input, init) => {
    const headers = new Headers(init?.headers)
    change(headers)
    return fetch(input, { ...init, headers })
  }

const forgiving = (isForgiven: (status: number) => boolean) => async (send: () => Promise<unknown>) => {
  try {
    return await send()
  } catch (error) {
    if (error instanceof AnswerError && isForgiven(error.status ?? 0)) return undefined
    throw error
  }
}

/** A collection whose requests for several are sent, or answered, otherwise. */
const listed =
  (change: (bulk: Bulk) => Bulk['send']) =>
  (remote: RemoteTable): RemoteTable => {
    const bulks = Object.entries(remote.bulk ?? {})
    return {
      ...remote,
      bulk: Object.fromEntries(bulks.map(([kind, bulk]) => [kind, { ...bulk, send: change(bulk) }])),
    }
  }

let turn = 0

/** The bugs, by name. */
export const PLANTS: Readonly<Record<string, Plant>> = {
  'no idempotency key': { fetch: withHeaders((headers) => headers.delete('idempotency-key')) },
  'another key at each try': {
    fetch: withHeaders((headers) => headers.has('idempotency-key') && headers.set('idempotency-key', String(turn++))),
  },
  'dropping on 401': {
    remote: wrapped(
      ['create', 'update', 'remove'],
      forgiving((status) => status === 401),
    ),
  },
  'taking 500 for success': {
    remote: wrapped(
      ['create', 'update', 'remove'],
      forgiving((status) => status >= 500),
    ),
  },
  'deletes that are not sent': { remote: wrapped(['remove'], async () => undefined) },
  'pages that are passed over': {
    remote: (remote) => ({
      ...remote,
      pull: async (cursor, call) => {
        const page = await remote.pull?.(cursor, call)
        if (page === undefined) throw new Error('no page')
        return turn++ % 3 === 0 ? { ...page, records: [] } : page
      },
    }),
  },
  'tombstones that are passed over': {
    remote: (remote) => ({
      ...remote,
      pull: async (cursor, call) => {
        const page = await remote.pull?.(cursor, call)
        if (page === undefined) throw new Error('no page')
        return { ...page, deleted: [], isComplete: false }
      },
    }),
  },
  'joining an operation in flight': {
    engine: patch(
      Outbox.prototype,
      'enqueue',
      (enqueue) =>
        function (this: Outbox, draft) {
          const last = this.queue.ofRow(`${draft.table}/${draft.row}`).at(-1)
          if (last?.state !== 'sent' || draft.kind !== 'update') return enqueue.call(this, draft)
          this.put({ ...last, fields: { ...last.fields, ...draft.fields } })
        },
    ),
  },
  'sending before what it refers to': {
    engine: patch(
      Queue.prototype,
      'blocker',
      (blocker) =>
        function (this: Queue, operation) {
          const found = blocker.call(this, operation)
          return found?.kind === 'record' ? undefined : found
        },
    ),
  },
  'no order within a row': {
    engine: patch(
      Queue.prototype,
      'blocker',
      (blocker) =>
        function (this: Queue, operation) {
          const found = blocker.call(this, operation)
          return found?.kind === 'before' ? undefined : found
        },
    ),
  },
  'no memory of what was seen': { engine: patch(SeenRecords.prototype, 'get', () => () => ({})) },
  'an outbox that is stored later than its writes': {
    engine: patch(
      KeyedLog.prototype,
      'commit',
      (commit) =>
        function (this: KeyedLog) {
          if (turn++ % 4 === 0) commit.call(this)
        },
    ),
  },
  'links that are not kept': { engine: patch(IdMap.prototype, 'commit', () => () => {}) },
  'a mark that there will be no record, taken back by who ended it before': {
    seed: 2561,
    engine: patch(
      KeyedLog.prototype,
      'put',
      (put) =>
        function (this: KeyedLog, key, value) {
          put.call(this, key, value)
        },
    ),
  },
  'what was seen of a record that is gone, held against the next': {
    seed: 5756,
    engine: patch(Rows.prototype, 'givenUp', () => () => {}),
  },
  'lists whose items have no key': {
    fetch: (fetch) => (input, init) => {
      const body = init?.body === undefined ? undefined : JSON.parse(String(init.body))
      if (!Array.isArray(body)) return fetch(input, init)
      return fetch(input, { ...init, body: JSON.stringify(body.map(({ key: _, ...item }) => item)) })
    },
  },
  'lists of which all items are refused with one': {
    seed: 41,
    remote: listed((bulk) => async (items, call) => {
      const answers = await bulk.send(items, call)
      const refused = answers.find((answer) => answer instanceof Error)
      return refused === undefined ? answers : items.map(() => refused)
    }),
  },
  'lists whose refused items are taken for done': {
    seed: 72,
    remote: listed((bulk) => async (items, call) => {
      const answers = await bulk.send(items, call)
      return answers.map((answer, at) => (answer instanceof Error ? { ...items[at]?.data, id: items[at]?.id } : answer))
    }),
  },
  'lists that broke off and are taken for done': {
    remote: listed((bulk) => async (items, call) => {
      try {
        return await bulk.send(items, call)
      } catch (error) {
        if (items.some(({ id }) => id === undefined)) throw error
        return items.map(({ id, data }) => ({ ...data, id }))
      }
    }),
  },
  'two rows of one record that stay two': { engine: patch(IdMap.prototype, 'aliases', () => (_table, row) => [row]) },
}
