// What a relay counts and measures, in Prometheus' words, and the spans it gives to OpenTelemetry. Knows the ports it wraps,
// nothing of what passes through them.
import type { Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { SpanStatusCode, trace } from '@opentelemetry/api'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { type Disk, nodeDisk } from './log/files/disk.ts'
import type { Log } from './log/port.ts'

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
  /** Counts the sockets of a server and what waits in them. */
  watchServer(server: Server): void
  /** Asks for the rooms' figures at each scrape. */
  watchRooms(figures: () => RoomFigures): void
  /** The same log, its appends counted, measured and traced. */
  measureLog(log: Log): Log
  /** The same disk, its syncs measured. */
  measureDisk(disk?: Disk): Disk
  /** Why writes fail, if the last one did. */
  readonly failure: string | undefined
  /** All of it as Prometheus reads it. */
  text(): Promise<string>
  readonly contentType: string
}

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Creates the metrics of one relay, in a registry of its own. @param now - Milliseconds since 1970. */
export const createMetrics = (now: () => number = Date.now): Metrics => {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const gauge = (name: string, help: string, collect: () => number | undefined) =>
    new Gauge({
      name: `merrow_${name}`,
      help,
      registers,
      collect() {
        const value = collect()
        if (value !== undefined) this.set(value)
      },
    })
  const appends = new Counter({ name: 'merrow_appends_total', help: 'Updates made durable.', registers })
  const bytes = new Counter({ name: 'merrow_append_bytes_total', help: 'Bytes of them.', registers })
  const failures = new Counter({ name: 'merrow_append_failures_total', help: 'Appends that failed.', registers })
  const refusals = new Counter({
    name: 'merrow_refusals_total',
    help: 'Frames, tokens and connections refused.',
    labelNames: ['reason'] as const,
    registers,
  })
  const seconds = (name: string, help: string) =>
    new Histogram({ name: `merrow_${name}_seconds`, help, buckets: SECONDS, registers })
  const syncs = seconds('fsync', 'Time of one sync of the disk.')
  const acknowledgements = seconds('acknowledgement', 'Time from an update to its being durable.')
  const tracer = trace.getTracer('merrow')
  const sockets = new Set<Duplex>()
  let failure: string | undefined

  gauge('connections', 'WebSockets.', () => sockets.size)
  gauge('backlog_bytes', 'Bytes that wait for slow clients.', () =>
    [...sockets].reduce((sum, { writableLength }) => sum + writableLength, 0),
  )

  const measured = async <T>(span: string, document: string, work: () => Promise<T>): Promise<T> => {
    const running = tracer.startSpan(`merrow.${span}`, { attributes: { 'merrow.document': document } })
    try {
      return await work()
    } catch (error) {
      running.setStatus({ code: SpanStatusCode.ERROR })
      throw error
    } finally {
      running.end()
    }
  }

  return {
    refused: (reason) => refusals.inc({ reason }),
    watchServer(server) {
      server.on('upgrade', (_, socket) => {
        sockets.add(socket)
        socket.once('close', () => sockets.delete(socket))
      })
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
        return measured('append', document, async () => {
          const stop = acknowledgements.startTimer()
          try {
            const seq = await log.append(document, updates)
            stop()
            appends.inc(updates.length)
            bytes.inc(updates.reduce((sum, { length }) => sum + length, 0))
            failure = undefined
            return seq
          } catch (error) {
            failures.inc()
            failure = error instanceof Error ? error.message : String(error)
            throw error
          }
        })
      }
      return {
        append,
        read: (document) => measured('read', document, () => log.read(document)),
        putSnapshot: (document, snapshot) => measured('snapshot', document, () => log.putSnapshot(document, snapshot)),
        snapshots: (document) => log.snapshots(document),
        readSnapshot: (document, upTo) => log.readSnapshot(document, upTo),
        remove: (document) => measured('remove', document, () => log.remove(document)),
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
            const stop = syncs.startTimer()
            await file.sync()
            stop()
          },
          close: () => file.close(),
        }
      },
    }),
    get failure() {
      return failure
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}
