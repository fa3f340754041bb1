// What a relay counts and measures, and the spans it gives to OpenTelemetry. Loads neither library before somebody needs it. Knows the
// ports it wraps, nothing of what passes through them.
import { createRequire } from 'node:module'
import type { Span, SpanStatusCode } from '@opentelemetry/api'
import { type Disk, nodeDisk } from './log/files/disk.ts'
import type { Log } from './log/port.ts'
import type { Instruments } from './prometheus.ts'

/** What the rooms say of themselves when somebody asks. */
export interface RoomFigures {
  readonly rooms: number
  readonly members: number
  readonly tailUpdates: number
  readonly snapshots: { readonly made: number; readonly failed: number; readonly lastAt: number | undefined }
}

/** Counters and gauges of one relay. */
export interface Metrics {
  /** Counts something of a client's that was refused. @param reason - One of few words: it becomes a label. */
  refused(reason: string): void
  /** Asks for the sockets at each scrape, and what waits in them. */
  watchSockets(sockets: () => Iterable<{ readonly bufferedAmount: number }>): void
  /** Asks for the rooms' figures at each scrape. */
  watchRooms(figures: () => RoomFigures): void
  /** The same log, its appends counted, measured and traced. */
  measureLog(log: Log): Log
  /** The same disk, its syncs measured. */
  measureDisk(disk?: Disk): Disk
  /** Loads what counts; until then it is remembered what is to be counted. */
  load(): Promise<void>
  /** Why writes fail, if the last one did. */
  readonly failure: string | undefined
  /** All of it as Prometheus reads it. */
  text(): Promise<string>
  readonly contentType: string
}

/** Prometheus' text format. */
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'
/** OpenTelemetry's API keeps here what an SDK has registered. As long as there is none, nobody wants spans. */
const OPEN_TELEMETRY = Symbol.for('opentelemetry.js.api.1')
const FAILED: SpanStatusCode.ERROR = 2

const startSpan = (name: string, document: string): Span | undefined => {
  if (!(OPEN_TELEMETRY in globalThis)) return undefined
  const { trace } = createRequire(import.meta.url)('@opentelemetry/api') as typeof import('@opentelemetry/api')
  return trace.getTracer('merrow').startSpan(`merrow.${name}`, { attributes: { 'merrow.document': document } })
}

/** Runs `work` in a span. */
const traced = <T>(name: string, document: string, work: () => Promise<T>): Promise<T> => {
  const span = startSpan(name, document)
  if (span === undefined) return work()
  return work().then(
    (result) => {
      span.end()
      return result
    },
    (error) => {
      span.setStatus({ code: FAILED })
      span.end()
      throw error
    },
  )
}

const secondsSince = (fromMs: number): number => (performance.now() - fromMs) / 1000

/** Creates the metrics of one relay. @param now - Milliseconds since 1970. */
export const createMetrics = (now: () => number = Date.now): Metrics => {
  let instruments: Instruments | undefined
  let loading: Promise<void> | undefined
  /** What came before the instruments were there. */
  const early: ((instruments: Instruments) => void)[] = []
  const count = (note: (instruments: Instruments) => void): void => {
    if (instruments === undefined) early.push(note)
    else note(instruments)
  }
  const load = (): Promise<void> => {
    loading ??= import('./prometheus.ts').then(({ createInstruments }) => {
      const loaded = createInstruments()
      for (const note of early.splice(0)) note(loaded)
      instruments = loaded
    })
    return loading
  }
  const gauge = (name: string, help: string, collect: () => number | undefined): void =>
    count((to) => to.gauge(name, help, collect))
  let failure: string | undefined

  return {
    load,
    refused: (reason) => count(({ refusals }) => refusals.inc({ reason })),
    watchSockets(sockets) {
      gauge('connections', 'WebSockets.', () => [...sockets()].length)
      gauge('backlog_bytes', 'Bytes that wait for slow clients.', () =>
        [...sockets()].reduce((sum, { bufferedAmount }) => sum + bufferedAmount, 0),
      )
    },
    watchRooms(figures) {
      gauge('rooms', 'Documents that somebody has open.', () => figures().rooms)
      gauge('members', 'Clients in rooms, each counted in each room.', () => figures().members)
      gauge('tail_updates', 'Updates of open documents that are in no snapshot yet.', () => figures().tailUpdates)
      gauge('snapshots_made', 'Snapshots made since the start.', () => figures().snapshots.made)
      gauge('snapshots_failed', 'Snapshots that failed since the start.', () => figures().snapshots.failed)
      gauge('snapshot_age_seconds', 'Time since the last snapshot.', () => {
        const { lastAt } = figures().snapshots
        return lastAt === undefined ? undefined : (now() - lastAt) / 1000
      })
    },
    measureLog(log) {
      const append: Log['append'] = (document, updates) => {
        // The relay's own notes are no updates of anybody.
        if (document.startsWith('#')) return log.append(document, updates)
        const fromMs = performance.now()
        return traced('append', document, () => log.append(document, updates)).then(
          (seq) => {
            const seconds = secondsSince(fromMs)
            count(({ acknowledgements, appends, bytes }) => {
              acknowledgements.observe(seconds)
              appends.inc(updates.length)
              bytes.inc(updates.reduce((sum, { length }) => sum + length, 0))
            })
            failure = undefined
            return seq
          },
          (error) => {
            count(({ failures }) => failures.inc())
            failure = error instanceof Error ? error.message : String(error)
            throw error
          },
        )
      }
      return {
        append,
        read: (document) => traced('read', document, () => log.read(document)),
        putSnapshot: (document, snapshot) => traced('snapshot', document, () => log.putSnapshot(document, snapshot)),
        snapshots: (document) => log.snapshots(document),
        readSnapshot: (document, upTo) => log.readSnapshot(document, upTo),
        remove: (document) => traced('remove', document, () => log.remove(document)),
        documents: () => log.documents(),
        close: () => log.close(),
      }
    },
    measureDisk: (disk = nodeDisk) => ({
      ...disk,
      async create(path) {
        const file = await disk.create(path)
        return {
          append: (part) => file.append(part),
          async sync() {
            const fromMs = performance.now()
            await file.sync()
            const seconds = secondsSince(fromMs)
            count(({ syncs }) => syncs.observe(seconds))
          },
          close: () => file.close(),
        }
      },
    }),
    get failure() {
      return failure
    },
    async text() {
      await load()
      return instruments?.text() ?? ''
    },
    contentType: CONTENT_TYPE,
  }
}
