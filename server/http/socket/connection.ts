// A WebSocket whose events go to one object: there is one for each idle client, and listeners of its own would be much of what it holds.
// Knows events, not what messages say.
import { type RawData, WebSocket } from 'ws'
import type { Place } from './addresses.ts'

/** One connection as its WebSocket's events find it. */
export interface Connection {
  receive(data: RawData, isBinary: boolean): void
  /** The client gave a sign of life without a message. */
  heard(): void
  /** The WebSocket failed; `ws` closes it by itself, with the code that fits. */
  failed(error: Error): void
  /** It is closed. */
  end(): void
}

/** Told of every WebSocket's end, one for all. */
export interface Owner {
  closed(socket: ConnectedSocket): void
}

/** What `ws` and Node hold of a connection under names of their own. */
interface Held {
  _events?: unknown
  readonly _eventsCount?: number
  readonly _receiver?: { _buffers?: unknown[] }
  readonly _socket?: { _peername?: unknown }
}

/** The WebSockets of this relay. Who only waits for one to close may listen as to any other. */
export class ConnectedSocket extends WebSocket {
  /** Where its events go; until then to listeners. */
  connection: Connection | undefined
  owner: Owner | undefined
  /** Where it comes from. */
  place: Place | undefined

  override emit(event: string | symbol, ...given: unknown[]): boolean {
    const { connection } = this
    if (connection === undefined) return this.#told(event, given)
    if (event === 'message') connection.receive(given[0] as RawData, given[1] as boolean)
    else if (event === 'pong') {
      connection.heard()
      this.rest()
    } else if (event === 'error') connection.failed(given[0] as Error)
    else {
      if (event === 'close') connection.end()
      return this.#told(event, given)
    }
    return true
  }

  /**
   * Called with each sign of life that is nothing else: lets go of a tenth of what Node and `ws` hold for it. They make it anew when it is
   * needed; a version that calls it otherwise holds it on.
   */
  rest(): void {
    const held = this as unknown as Held
    // A table for listeners, of which there are none.
    if (held._eventsCount === 0) held._events = undefined
    // Room for seventeen pieces of a message.
    if (held._receiver?._buffers?.length === 0) held._receiver._buffers = []
    // The address, which was looked at once.
    if (held._socket?._peername !== undefined) held._socket._peername = undefined
  }

  #told(event: string | symbol, given: readonly unknown[]): boolean {
    if (event === 'close') this.owner?.closed(this)
    return super.emit(event, ...given)
  }
}
