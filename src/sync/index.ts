// Synchronisation: `merrow/sync`.
export type { Connection, SyncAdapter, SyncContext, SyncSession } from './port.ts'
export { type RelayOptions, relay } from './relay.ts'
export type { TokenSource } from './shared-socket.ts'
export type { Socket, SocketClass, Timers } from './socket.ts'
