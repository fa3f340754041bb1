// Clients in rooms: they enter, write as fast as their updates come back or at a pace, and see how long each takes. Knows the
// stock frames as far as needed to tell updates from the rest.
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { readUpdate } from '../../server/guard/update.ts'
import { clientFrame, RawClient } from './raw-client.ts'
import type { RelayPeer } from './relay-peer.ts'

/** Who is where. */
export interface Shape {
  readonly rooms: number
  /** Members of each room. */
  readonly members: number
  /** Those of them that write. */
  readonly writers: number
  /** Updates that a writer has under way at most. */
  readonly window: number
}

/** What a run found. */
export interface Run {
  readonly seconds: number
  /** Updates that reached a member, all members counted. */
  readonly delivered: number
  /** Milliseconds from sending to the observers of each room, sorted. */
  readonly latencies: readonly number[]
}

const STEP_1 = Uint8Array.of(0, 0, 1, 0)
/** Members of a room that look into what they get: the one that joined last, and as many spread over the others. */
const OBSERVERS = 5
const ENTERING_AT_ONCE = 50
const FIRST_CLIENT = 1_000_000
const PATIENCE_MS = 120_000

interface Writer {
  readonly client: number
  readonly doc: Y.Doc
  readonly send: (frame: Buffer) => void
  /** What it is to write, framed: making it is no part of what is measured. */
  readonly frames: Buffer[]
  readonly sentAt: number[]
  sent: number
  confirmed: number
}

interface Room {
  readonly name: string
  readonly writers: Writer[]
  /** Update frames that each member has had. */
  readonly frames: number[]
}

/** All clients of one server. */
export class Fleet {
  readonly #peer: RelayPeer
  readonly #port: number
  readonly #name: string
  readonly #clients: RawClient[] = []
  readonly #rooms: Room[] = []
  #latencies: number[] = []
  #onConfirmed: (writer: Writer) => void = () => {}

  /** @param name - What the rooms' names begin with; one letter. */
  constructor(peer: RelayPeer, port: number, name = 'r') {
    this.#name = name
    this.#peer = peer
    this.#port = port
  }

  /** Brings everyone in. */
  async enter({ rooms, members, writers }: Omit<Shape, 'window'>): Promise<void> {
    const entering: (() => Promise<void>)[] = []
    for (let at = 0; at < rooms; at++) {
      const room: Room = { name: `${this.#name}${String(at).padStart(4, '0')}`, writers: [], frames: [] }
      this.#rooms.push(room)
      const step = Math.max(1, Math.floor(members / OBSERVERS))
      for (let member = 0; member < members; member++) {
        const isLast = member === members - 1
        const isObserver = isLast || (members > OBSERVERS && member % step === step - 1)
        entering.push(() => this.#join(room, { member, isObserver, isLast, isWriter: member < writers }))
      }
    }
    while (entering.length > 0) await Promise.all(entering.splice(0, ENTERING_AT_ONCE).map((join) => join()))
  }

  /** Writes so many updates, each writer as fast as its own come back. */
  async saturate(count: number, window: number): Promise<Run> {
    return this.#measure(count, (writers) => {
      const pump = (writer: Writer): void => {
        while (writer.sent < writer.frames.length && writer.sent - writer.confirmed < window) send(writer)
      }
      this.#onConfirmed = pump
      for (const writer of writers) pump(writer)
      return () => {}
    })
  }

  /** Writes so many updates at a pace, whatever becomes of them. */
  async pace(count: number, perSecond: number): Promise<Run> {
    return this.#measure(count, (writers) => {
      const from = performance.now()
      let due = 0
      const timer = setInterval(() => {
        const until = Math.min(count, ((performance.now() - from) / 1000) * perSecond)
        for (; due < until; due++) send(writers[due % writers.length] as Writer)
      }, 1)
      return () => clearInterval(timer)
    })
  }

  /** Lets the first writer of each room write an update, the same for all; resolves once everyone has it. */
  async writeEverywhere(update: Uint8Array): Promise<void> {
    for (const { name, writers } of this.#rooms) writers[0]?.send(this.#framed(name, update))
    await until(
      () => this.#rooms.every(({ frames }) => frames.every((count) => count > 0)),
      performance.now() + PATIENCE_MS,
      () => this.#progress(),
    )
  }

  /** Cuts everyone off. */
  leave(): void {
    for (const client of this.#clients) client.close()
  }

  async #measure(count: number, start: (writers: readonly Writer[]) => () => void): Promise<Run> {
    const writers = this.#rooms.flatMap((room) => room.writers)
    this.#latencies = []
    for (const [at, writer] of writers.entries())
      compose(writer, Math.floor(count / writers.length) + (at < count % writers.length ? 1 : 0))
    const from = performance.now()
    const stop = start(writers)
    await until(
      () => this.#isAllThere(),
      from + PATIENCE_MS,
      () => this.#progress(),
    )
    const seconds = (performance.now() - from) / 1000
    stop()
    this.#onConfirmed = () => {}
    const members = this.#rooms[0]?.frames.length ?? 0
    return { seconds, delivered: count * members, latencies: this.#latencies.toSorted((a, b) => a - b) }
  }

  #progress(): string {
    return this.#rooms
      .slice(0, 3)
      .map(({ writers, frames }) => `${writers.map(({ confirmed }) => confirmed)} confirmed, ${frames.at(-1)} frames`)
      .join('; ')
  }

  #isAllThere(): boolean {
    return this.#rooms.every(
      ({ writers, frames }) =>
        writers.every(({ confirmed, frames: written }) => confirmed === written.length) &&
        frames.every((count) => count === frames.at(-1)),
    )
  }

  async #join(room: Room, who: { member: number; isObserver: boolean; isLast: boolean; isWriter: boolean }) {
    const { keepsDocuments } = this.#peer
    const prefix = this.#peer.prefix(room.name)
    const skipped = prefix.length
    let entered: () => void = () => {}
    const isIn = new Promise<void>((resolve) => {
      entered = resolve
    })
    room.frames[who.member] = 0
    const client = new RawClient({
      port: this.#port,
      path: this.#peer.path(room.name),
      isWhole: who.isObserver,
      onMessage: (message) => {
        const [type, kind] = [message[skipped], message[skipped + 1]]
        if (kind === 1 && (type === 0 || type === 4)) return entered()
        if (type !== 0 || kind !== 2) return
        room.frames[who.member] = (room.frames[who.member] ?? 0) + 1
        if (who.isObserver) this.#observe(room, message.subarray(skipped), who.isLast)
      },
    })
    const id = FIRST_CLIENT + this.#clients.push(client)
    await client.opened
    for (const frame of this.#peer.greeting(room.name)) client.send(clientFrame(frame))
    if (keepsDocuments) {
      client.send(clientFrame(Buffer.concat([prefix, STEP_1])))
      await isIn
    }
    if (!who.isWriter) return
    const doc = new Y.Doc()
    doc.clientID = id
    const frames: Buffer[] = []
    doc.on('update', (update: Uint8Array) => frames.push(this.#framed(room.name, update)))
    room.writers.push({
      client: id,
      doc,
      send: (frame) => client.send(frame),
      frames,
      sentAt: [],
      sent: 0,
      confirmed: 0,
    })
  }

  #framed(room: string, update: Uint8Array): Buffer {
    return clientFrame(Buffer.concat([this.#peer.prefix(room), syncFrame(2, update)]))
  }

  #observe({ writers }: Room, frame: Uint8Array, isLast: boolean): void {
    const now = performance.now()
    for (const { client, clock, length } of structsOf(frame)) {
      const writer = writers.find((other) => other.client === client)
      if (writer === undefined) continue
      for (let at = clock; at < clock + length; at++) this.#latencies.push(now - (writer.sentAt[at] ?? now))
      if (!isLast) continue
      writer.confirmed = clock + length
      this.#onConfirmed(writer)
    }
  }
}

const send = (writer: Writer): void => {
  const frame = writer.frames[writer.sent] as Buffer
  writer.sentAt[writer.sent] = performance.now()
  writer.sent += 1
  writer.send(frame)
}

/** Makes further updates for a writer: a small record at the end of a list, the next clock each. */
const compose = (writer: Writer, count: number): void => {
  const list = writer.doc.getArray(`list ${writer.client}`)
  for (let at = 0; at < count; at++) list.push([{ title: 'a record', done: false, at: writer.frames.length }])
}

/** A sync frame around an update (2), a state vector (0) or an answer (1). */
export const syncFrame = (kind: 0 | 1 | 2, body: Uint8Array): Uint8Array =>
  encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, 0)
    encoding.writeVarUint(encoder, kind)
    encoding.writeVarUint8Array(encoder, body)
  })

/** Which clocks a frame brings. Some servers put several updates into one. */
const structsOf = (frame: Uint8Array): readonly { client: number; clock: number; length: number }[] => {
  let at = 2
  const next = (): number => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = frame[at++] ?? 0
      value += (byte & 0x7f) * factor
      if (byte < 128) return value
    }
  }
  next()
  const start = at
  const [clients, structs] = [next(), next()]
  if (clients === 1 && structs === 1) return [{ client: next(), clock: next(), length: 1 }]
  const { sections } = readUpdate(frame.subarray(start))
  return sections.map(({ client, from, to }) => ({ client, clock: from, length: to - from }))
}

const until = async (claim: () => boolean, deadline: number, describe: () => string): Promise<void> => {
  while (!claim()) {
    if (performance.now() > deadline)
      throw new Error(`The server has not delivered everything in 120 s: ${describe()}.`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
