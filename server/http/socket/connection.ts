// A WebSocket whose events go to one object: there is one for each idle client, and listeners of its own would be much of what it holds.
// Knows events, not what messages say.
import { type RawData, WebSocket } from 'ws'

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

/** The WebSockets of this relay. Who only waits for one to close may listen as to any other. */
export class ConnectedSocket extends WebSocket {
  /** Where its events go; until then to listeners. */
  connection: Connection | undefined

  override emit(event: string | symbol, ...given: unknown[]): boolean {
    const { connection } = this
    if (connection === undefined) return super.emit(event, ...given)
    if (event === 'message') connection.receive(given[0] as RawData, given[1] as boolean)
    else if (event === 'pong') connection.heard()
    else if (event === 'error') connection.failed(given[0] as Error)
    else {
      if (event === 'close') connection.end()
      return super.emit(event, ...given)
    }
    return true
  }
}
