// Synchronisation: `merrow/sync`.
export type { Clocks } from './duty.ts'
export type { Connection, RelayLease, SyncAdapter, SyncContext, SyncSession } from './port.ts'
export { type RelayOptions, relay } from './relay.ts'
export type { Socket, SocketClass, Timers } from './socket.ts'
export type { TokenSource } from './token-renewal.ts'
