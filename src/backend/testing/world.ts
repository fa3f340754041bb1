// A world with a clock of its own: timers, a network that loses and delays, disks that forget what was not written. For seeded histories.
import * as prng from 'lib0/prng'
import * as Y from 'yjs'
import { createDocument } from '../../rowlog/index.ts'
import type { DocumentUpdate, Storage, StorageAdapter, StoredUpdate } from '../../storage/port.ts'
import type { FakeAnswer, FakeBackend, FakeItem } from './fake-backend.ts'

/** What a network may do to requests, each with a chance from 0 to 1. */
export interface Faults {
  readonly lost: number
  readonly answerLost: number
  readonly doubled: number
  readonly status429: number
  readonly status500: number
  readonly status500After: number
  readonly status401: number
  /** Of an item among several. */
  readonly itemFailed: number
  /** That an answer for several is not that of its items, or breaks off among them. */
  readonly listBroken: number
  readonly maxDelayMs: number
}

export const NO_FAULTS: Faults = {
  lost: 0,
  answerLost: 0,
  doubled: 0,
  status429: 0,
  status500: 0,
  status500After: 0,
  status401: 0,
  itemFailed: 0,
  listBroken: 0,
  maxDelayMs: 0,
}

interface Event {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

/** Time, and what is to happen in it. */
export class World {
  nowMs = 1_700_000_000_000
  faults: Faults = NO_FAULTS
  isOnline = true
  /** The token that the backend takes. */
  token = 1
  /** Decides what people do. */
  readonly random: prng.PRNG
  /** Decides what the network does. Apart, so that a request more or less leaves what people do as it is. */
  readonly luck: prng.PRNG
  /** Told before each thing that happens. */
  onEvent: () => void = () => {}
  #events: Event[] = []
  #order = 0

  constructor(seed: number) {
    // The generator of lib0 stands still at 0.
    this.random = prng.create(seed + 1)
    this.luck = prng.create(seed + 1_000_001)
  }

  chance(probability: number): boolean {
    return prng.real53(this.luck) < probability
  }

  at(delayMs: number, run: () => void): Event {
    const event = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, run }
    this.#events.push(event)
    return event
  }

  cancel(event: Event): void {
    this.#events = this.#events.filter((other) => other !== event)
  }

  /** Lets what is pending in this instant happen. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
  }

  /** Goes on by some time, event by event. */
  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms
    await this.settle()
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.nowMs = Math.max(this.nowMs, next.atMs)
      this.cancel(next)
      this.onEvent()
      next.run()
      await this.settle()
    }
    this.nowMs = endMs
  }

  #next(endMs: number): Event | undefined {
    let next: Event | undefined
    for (const event of this.#events)
      if (
        event.atMs <= endMs &&
        (next === undefined || event.atMs < next.atMs || (event.atMs === next.atMs && event.order < next.order))
      )
        next = event
    return next
  }
}

/** One run of a program: what is killed does nothing any more. */
export class Process {
  isAlive = true
  readonly world: World

  constructor(world: World) {
    this.world = world
  }

  readonly timers = {
    setTimeout: (work: () => void, ms: number): unknown => this.world.at(ms, () => this.isAlive && work()),
    clearTimeout: (timer: unknown): void => this.world.cancel(timer as Event),
  }

  /** `fetch` over the world's network, to a backend. */
  fetch(backend: FakeBackend): typeof globalThis.fetch {
    return (input, init) => this.#request(backend, String(input), init as RequestInit)
  }

  #request(backend: FakeBackend, url: string, init: RequestInit): Promise<Response> {
    const { world } = this
    const { faults } = world
    const delay = (): number => Math.floor(prng.real53(world.luck) * (faults.maxDelayMs + 1))
    return new Promise((resolve, reject) => {
      init.signal?.addEventListener('abort', () => reject(init.signal?.reason))
      const fail = (): unknown => world.at(delay(), () => this.isAlive && reject(new TypeError('fetch failed')))
      const answer = (given: FakeAnswer): unknown => world.at(delay(), () => this.isAlive && resolve(responseOf(given)))
      if (!world.isOnline || world.chance(faults.lost)) return void fail()
      const isDoubled = world.chance(faults.doubled)
      const isLost = world.chance(faults.answerLost)
      const arrive = (): FakeAnswer | 'lost' => {
        if (world.chance(faults.status429)) return { status: 429, headers: { 'retry-after': '1' } }
        if (world.chance(faults.status500)) return { status: 500, body: 'oh' }
        const headers = new Headers(init.headers)
        const isAuthorized = headers.get('authorization') === `Bearer ${world.token}`
        if (!isAuthorized || world.chance(faults.status401)) return { status: 401, body: 'token' }
        const { pathname: path, searchParams: query } = new URL(url)
        const body = init.body === undefined ? undefined : JSON.parse(String(init.body))
        const request = { method: init.method ?? 'GET', path, query, headers }
        const given = Array.isArray(body)
          ? backend.handleList({ ...request, items: body as FakeItem[] })
          : backend.handle({ ...request, body })
        return world.chance(faults.status500After) ? { status: 500, body: 'oh, after all' } : given
      }
      world.at(delay(), () => {
        const given = arrive()
        if (isLost || given === 'lost') fail()
        else answer(given)
      })
      if (isDoubled) world.at(delay() * 3, arrive)
    })
  }
}

/** An answer as the engine reads one. Not a real `Response`: those are streams of the platform, which cost as much as all else of a request. */
const responseOf = ({ status, body, headers = {} }: FakeAnswer): Response => {
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
  const parts = [new TextEncoder().encode(text)]
  const reader = {
    read: async () => ({ done: parts.length === 0, value: parts.pop() }),
    cancel: async () => {},
  }
  const given = {
    status,
    statusText: '',
    ok: status >= 200 && status < 300,
    headers: new Headers(headers),
    body: text === undefined ? null : { getReader: () => reader, cancel: reader.cancel },
  }
  return given as unknown as Response
}

/** A disk: what was appended is there once it has been written, all of one append or nothing. */
export class Disk {
  readonly #documents = new Map<string, StoredUpdate[]>()
  readonly #meta = new Map<string, string>()
  #lastKey = 0

  /** The disk as a process sees it. */
  adapter(process: Process, writeMs: () => number): StorageAdapter {
    return { open: async () => this.#storage(process, writeMs) }
  }

  #storage(process: Process, writeMs: () => number): Storage {
    const written = <T>(work: () => T): Promise<T> =>
      new Promise((resolve) => process.timers.setTimeout(() => resolve(work()), writeMs()))
    return {
      isAlone: true,
      readMeta: async (key) => this.#meta.get(key),
      writeMeta: async (key, value) => void this.#meta.set(key, value),
      load: async (document) => [...(this.#documents.get(document) ?? [])],
      append: (batch) => written(() => batch.map((one) => this.#put(one))),
      compact: (document, state, replaced) =>
        written(() => {
          const kept = (this.#documents.get(document) ?? []).filter(({ key }) => !replaced.includes(key))
          this.#documents.set(document, kept)
          return this.#put({ document, update: state })
        }),
      remove: async (document) => void this.#documents.delete(document),
      close: async () => {},
    }
  }

  #put({ document, update }: DocumentUpdate): number {
    this.#lastKey += 1
    this.#documents.set(document, [...(this.#documents.get(document) ?? []), { key: this.#lastKey, update }])
    return this.#lastKey
  }
}

/** A passive relay: documents that merge, and never write. */
export class Relay {
  readonly #documents = new Map<string, Y.Doc>()

  /** Exchanges one document, both ways. @returns whether either had something new. */
  exchange(name: string, document: Y.Doc): boolean {
    const here = this.#documents.get(name) ?? createDocument()
    this.#documents.set(name, here)
    let isNew = false
    const note = (): void => {
      isNew = true
    }
    for (const doc of [here, document]) doc.on('update', note)
    Y.applyUpdate(here, Y.encodeStateAsUpdate(document, Y.encodeStateVector(here)))
    Y.applyUpdate(document, Y.encodeStateAsUpdate(here, Y.encodeStateVector(document)), 'relay')
    for (const doc of [here, document]) doc.off('update', note)
    return isNew
  }
}
