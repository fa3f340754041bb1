// React's view of live data: rows of a query, the database's status, the clock. Each snapshot stays the same object until it changes.
import { useMemo, useSyncExternalStore } from 'react'
import { type Connection, type ErrorCode, MerrowError, type Status } from '../src/index.ts'

/** Something that can be read at once and tells of its changes. */
export interface Live<T> {
  read(): T
  subscribe(listener: () => void): () => void
}

/** What of a query is needed here. */
interface RowSource<R> {
  all(): readonly R[]
  subscribe(listener: (change: { readonly rows: readonly R[] }) => void): () => void
}

/** How the database stands, at one moment. */
export interface StatusSnapshot {
  readonly connection: Connection
  readonly unsaved: number
  readonly unsent: number
  /** What is wrong, in words, and its code if it is one of Merrow's. */
  readonly error: string | undefined
  readonly code: ErrorCode | undefined
}

/** A live value, which must be the same object until it changes. */
export const useLive = <T>({ subscribe, read }: Live<T>): T => useSyncExternalStore(subscribe, read)

/** A query's rows, live. Make the query in `useMemo`: a new one is asked anew. */
export const useRows = <R>(query: RowSource<R>): readonly R[] => useLive(useMemo(() => liveRows(query), [query]))

/** The database's status, live. */
export const useStatus = (status: Status<Connection>): StatusSnapshot =>
  useLive(useMemo(() => liveStatus(status), [status]))

/** The time in milliseconds, moving on twice a minute. */
export const useNow = (): number => useLive(CLOCK)

const liveRows = <R>(query: RowSource<R>): Live<readonly R[]> => {
  let rows: readonly R[] | undefined
  return {
    read() {
      rows ??= query.all()
      return rows
    },
    subscribe: (listener) =>
      query.subscribe((change) => {
        rows = change.rows
        listener()
      }),
  }
}

const liveStatus = (status: Status<Connection>): Live<StatusSnapshot> => {
  let last = snapshot(status)
  return {
    read() {
      const next = snapshot(status)
      if (!isSame(last, next)) last = next
      return last
    },
    subscribe: (listener) => status.subscribe(listener),
  }
}

const snapshot = ({ connection, unsaved, unsent, error }: Status<Connection>): StatusSnapshot => ({
  connection,
  unsaved,
  unsent,
  error: error === undefined ? undefined : error instanceof Error ? error.message : String(error),
  code: error instanceof MerrowError ? error.code : undefined,
})

const isSame = (a: StatusSnapshot, b: StatusSnapshot): boolean =>
  (Object.keys(a) as (keyof StatusSnapshot)[]).every((key) => a[key] === b[key])

const TICK_MS = 30_000

const createClock = (): Live<number> => {
  let nowMs = Date.now()
  return {
    read: () => nowMs,
    subscribe(listener) {
      const timer = setInterval(() => {
        nowMs = Date.now()
        listener()
      }, TICK_MS)
      return () => clearInterval(timer)
    },
  }
}

const CLOCK = createClock()
