// Backends: `merrow/backend`.

export type { RowStatus } from '../status.ts'
export type { Backend } from './backend.ts'
export { type BridgeOutbox, type BridgeOutboxOptions, openBridgeOutbox } from './bridge/bridge-outbox.ts'
export type { BridgeBackend, BridgeConfig } from './bridge/config.ts'
export { connectBackend } from './connect.ts'
export type { Timers } from './core.ts'
export { defaultLease, type Lease, noLease, webLock } from './lease.ts'
export type { BackendOptions, BackendTables } from './options.ts'
export type { Failure, Operation, OperationKind, OperationState, Question } from './outbox/operation.ts'
export type { OutboxView } from './outbox/repair.ts'
export { AnswerError } from './push/failure.ts'
export type {
  Bulk,
  BulkItem,
  Call,
  Fields,
  Mapping,
  PulledPage,
  RemoteAnswer,
  RemoteId,
  RemoteRecord,
  RemoteRequest,
  RemoteTable,
  Strategy,
} from './remote-table.ts'
export { type ReplayOptions, replayTraces } from './replay.ts'
export type { BulkRequests, RestBulk } from './rest/bulk.ts'
export type { TokenSource } from './rest/client.ts'
export { type EventsOptions, serverSentEvents, type WebSocketOptions, webSocketEvents } from './rest/events.ts'
export { type JsonApiOptions, type JsonApiRelationship, jsonApiTable } from './rest/json-api.ts'
export { type PostgrestOptions, postgrestTable } from './rest/postgrest.ts'
export {
  type GraphqlOperation,
  type GraphqlOptions,
  graphqlTable,
  jsonServerTable,
} from './rest/presets.ts'
export { type RelayRowsOptions, relayRowsTable } from './rest/relay-rows.ts'
export { type ListChanges, type PageRequest, type RestTableOptions, restTable } from './rest/rest-table.ts'
export type { BackendConnection, BackendStatus } from './status.ts'
export type { Problem, TraceEntry } from './trace.ts'
