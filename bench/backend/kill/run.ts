// Rounds of kill -9 of a tab, the bridge that leads and the service, while the tab writes; and what is left of the writes at the end.
import { join } from 'node:path'
import * as prng from 'lib0/prng'
import type { Page } from 'playwright-core'
import postgres from 'postgres'
import { createRelay, openMemoryLog } from '../../../server/index.ts'
import { connectBackend } from '../../../src/backend/index.ts'
import { createDatabase } from '../../../src/index.ts'
import { relay as relaySync } from '../../../src/sync/index.ts'
import { migrateBackend } from '../app.ts'
import { check, type Law, type Look } from './check.ts'
import { Chromium, freePort, kill, leads, type Run, startBridge, startService } from './processes.ts'
import { PageError, serveSite } from './site.ts'
import { COLLECTIONS, PACE, schema, tablesOf } from './tables.ts'

/** How often, and where. */
export interface RoundsOptions {
  readonly folder: string
  readonly postgres: string
  readonly rounds: number
  readonly seed: number
  readonly onRound?: (round: number, saved: number) => void
  readonly onTrouble?: (what: string) => void
}

/** What came of it. */
export interface RoundsReport extends Law {
  readonly kills: { readonly tab: number; readonly browser: number; readonly bridge: number; readonly service: number }
  /** Inserts that the tab was told are saved. */
  readonly saved: number
  /** From the kill of a bridge until another leads, in milliseconds, longest last. */
  readonly takeoverMs: readonly number[]
  /** From the last kill until all was at rest, in milliseconds. */
  readonly restMs: number
}

const LEASE_MS = 2000
/** How long nothing may change while something is left to do. */
const STUCK_MS = 60_000
const OPEN_MS = 20_000

/** Kills for so many rounds, lets all come to rest, and compares. */
export const runRounds = async (options: RoundsOptions): Promise<RoundsReport> => {
  const { folder, rounds, seed } = options
  const gen = prng.create(seed + 1)
  const closers: (() => unknown)[] = []
  try {
    const name = `merrow_kill_${crypto.randomUUID().slice(0, 8)}`
    const sql = postgres(options.postgres, { connection: { search_path: name }, onnotice: () => {}, max: 2 })
    await sql.unsafe(`create schema ${name}`)
    closers.push(async () => {
      await sql.unsafe(`drop schema ${name} cascade`)
      await sql.end()
    })
    await migrateBackend(sql, COLLECTIONS)
    const relay = await createRelay({ port: 0, log: openMemoryLog(), leaseMs: LEASE_MS, logger: () => {} })
    closers.push(() => relay.close())
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    let service = await startService(options.postgres, name, port)
    closers.push(() => kill(service))
    const saved = new Set<string>()
    const site = await serveSite(join(folder, 'site'), (marks) => marks.forEach((mark) => saved.add(mark)))
    closers.push(site.close)
    const bridges = ['a', 'b'].map((store) => startBridge(folder, store, relay.url, url))
    closers.push(() => Promise.all(bridges.map(kill)))
    const chromium = new Chromium(folder)
    closers.push(() => chromium.kill())
    const kills = { tab: 0, browser: 0, bridge: 0, service: 0 }
    const takeoverMs: number[] = []
    let loads = 0
    const restart = async (error: unknown): Promise<void> => {
      options.onTrouble?.(`The browser is started again: ${String(error).split('\n')[0]}`)
      await chromium.kill()
    }
    const open = async (): Promise<Page> => {
      for (;;) {
        const ready = site.ready()
        ready.catch(() => {})
        const query = new URLSearchParams({ service: url, relay: relay.url, round: String(++loads) })
        const opened = chromium.open(`${site.url}/index.html?${query}`).then(async (page) => {
          await ready
          return page
        })
        const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error('not in time')), OPEN_MS))
        try {
          return await Promise.race([opened, late])
        } catch (error) {
          if (error instanceof PageError) throw error
          await restart(error)
        }
      }
    }
    let page = await open()
    await until('a bridge leads', () => bridges.some(leads))
    for (let round = 1; round <= rounds; round++) {
      const before = saved.size
      await until('the tab writes', () => saved.size > before + 5)
      const leader = bridges.findIndex(leads)
      const victims = [
        async () => {
          await pause(gen)
          kills.service += 1
          await kill(service)
          await pause(gen)
          service = await startService(options.postgres, name, port)
        },
        async () => {
          await pause(gen)
          if (leader < 0) return
          kills.bridge += 1
          const fromMs = Date.now()
          await kill(bridges[leader] as Run)
          await until('another bridge leads', () => bridges.some((bridge, at) => at !== leader && leads(bridge)))
          takeoverMs.push(Date.now() - fromMs)
          bridges[leader] = startBridge(folder, leader === 0 ? 'a' : 'b', relay.url, url)
        },
        async () => {
          await pause(gen)
          const isWhole = prng.int32(gen, 0, 3) === 0
          kills[isWhole ? 'browser' : 'tab'] += 1
          if (isWhole) await chromium.kill()
          else await chromium.killTab(page).catch(restart)
          page = await open()
        },
      ]
      await Promise.all(victims.map((victim) => victim()))
      options.onRound?.(round, saved.size)
    }
    const restFromMs = Date.now()
    await page.evaluate('stopWriting()')
    const look = async (outbox: () => Look['outbox']): Promise<Law> => {
      const seen = (await page.evaluate('look()')) as { acme: Look; own: Look; outbox: Look['outbox'] }
      return check(sql, saved, { acme: { ...seen.acme, outbox: outbox() }, own: { ...seen.own, outbox: seen.outbox } })
    }
    await untilAtRest(
      () => look(() => []),
      ({ isUnequalButForOutbox }) => !isUnequalButForOutbox,
    )
    await Promise.all(bridges.map(kill))
    // Another bridge, on another machine as it were, sees the same outbox, and sends what is left of it.
    const looking = await createDatabase({ name: 'acme', schema, sync: relaySync({ url: relay.url }) })
    closers.push(() => looking.close())
    const backend = await connectBackend(looking, tablesOf(url, 'acme'), { ...PACE, name: 'service', isBridge: true })
    await until('the last bridge leads', () => backend.status.connection === 'online')
    const outbox = (): Look['outbox'] =>
      backend.outbox.list().map(({ table, row, kind, state, failure }) => ({
        ...{ table, row, kind, state, reason: failure?.answer ?? failure?.message },
        mark: looking.table(table as 'tasks').get(row, { withDeleted: true })?.mark,
      }))
    const law = await untilAtRest(
      () => look(outbox),
      ({ faults }) => faults.length === 0,
    )
    const restMs = Date.now() - restFromMs
    return { ...law, kills, saved: saved.size, takeoverMs: takeoverMs.sort((a, b) => a - b), restMs }
  } finally {
    for (const close of closers.reverse()) await close()
  }
}

const pause = (gen: prng.PRNG): Promise<void> => new Promise((resolve) => setTimeout(resolve, prng.int32(gen, 0, 300)))

const until = async (what: string, claim: () => boolean): Promise<void> => {
  const endMs = Date.now() + 60_000
  while (!claim()) {
    if (Date.now() > endMs) throw new Error(`It did not come to pass within a minute: ${what}.`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Looks until all is at rest, or until nothing has changed for long: how much is left is no reason to give up. */
const untilAtRest = async (look: () => Promise<Law>, isAtRest: (law: Law) => boolean): Promise<Law> => {
  let last = ''
  for (let changedMs = Date.now(); ; ) {
    const law = await look()
    const now = law.faults.join('\n')
    if (now !== last) changedMs = Date.now()
    last = now
    if (isAtRest(law) || Date.now() - changedMs > STUCK_MS) return law
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}
