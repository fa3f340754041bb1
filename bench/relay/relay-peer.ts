// The port of the relay bench: how a server is started and spoken to. Each file in `relay-peers/` exports one `peer`. Knows no server.

/** A server that is measured. Its frames are those of y-websocket, each behind `prefix`. */
export interface RelayPeer {
  readonly name: string
  /** The npm packages it stands on, whose versions the report names. */
  readonly packages: readonly string[]
  /** Module of its process, in `relay/servers/`. */
  readonly server: string
  /** Whether it keeps documents, and so answers who asks for one. */
  readonly keepsDocuments: boolean
  /** Whether what it has confirmed is there after `kill -9`. */
  readonly isDurable: boolean
  /** Path at which a room is entered. */
  path(room: string): string
  /** What stands before every frame, in both directions. */
  prefix(room: string): Uint8Array
  /** Frames that a client sends before all others. */
  greeting(room: string): readonly Uint8Array[]
}

const NOTHING = new Uint8Array()

/** What most servers have in common: rooms are paths, frames are bare, and nobody is asked who he is. */
export const plainPeer = (peer: Pick<RelayPeer, 'name' | 'packages' | 'server'> & Partial<RelayPeer>): RelayPeer => ({
  keepsDocuments: true,
  isDurable: false,
  path: (room) => `/${room}`,
  prefix: () => NOTHING,
  greeting: () => [],
  ...peer,
})
