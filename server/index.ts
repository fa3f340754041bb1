// Public names of `merrow/server`.
export { type FileLogOptions, openFileLog } from './log/file-log.ts'
export { type MemoryLogOptions, openMemoryLog } from './log/memory.ts'
export type { Log, LogContent, LogEntry, Retention, Snapshot, SnapshotInfo, StoredSnapshot } from './log/port.ts'
export type { Level, Logger } from './logger.ts'
export { createRelay, type Relay, type RelayOptions } from './relay.ts'
