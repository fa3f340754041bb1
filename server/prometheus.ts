// The relay's counters and gauges in Prometheus' words (prom-client). Loaded by `metrics.ts`, not with the relay; knows numbers alone.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** What is counted of one relay, in a registry of its own. */
export const createInstruments = () => {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const seconds = (name: string, help: string) =>
    new Histogram({ name: `merrow_${name}_seconds`, help, buckets: SECONDS, registers })
  return {
    appends: new Counter({ name: 'merrow_appends_total', help: 'Updates made durable.', registers }),
    bytes: new Counter({ name: 'merrow_append_bytes_total', help: 'Bytes of them.', registers }),
    failures: new Counter({ name: 'merrow_append_failures_total', help: 'Appends that failed.', registers }),
    refusals: new Counter({
      name: 'merrow_refusals_total',
      help: 'Frames, tokens and connections refused.',
      labelNames: ['reason'] as const,
      registers,
    }),
    syncs: seconds('fsync', 'Time of one sync of the disk.'),
    acknowledgements: seconds('acknowledgement', 'Time from an update to its being durable.'),
    /** A number that is asked for at each scrape. */
    gauge: (name: string, help: string, collect: () => number | undefined): void => {
      new Gauge({
        name: `merrow_${name}`,
        help,
        registers,
        collect() {
          const value = collect()
          if (value !== undefined) this.set(value)
        },
      })
    },
    text: () => registry.metrics(),
  }
}

/** See {@link createInstruments}. */
export type Instruments = ReturnType<typeof createInstruments>
