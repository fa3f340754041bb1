// What the module says that `merrow bridge --config` loads. Types alone.
import type { Schema } from '../../schema/index.ts'
import type { BackendOptions, BackendTables } from '../options.ts'

/** One backend of a bridge: its tables, and options as `connectBackend` takes them. */
export interface BridgeBackend<S extends Schema>
  extends Omit<BackendOptions, 'name' | 'isBridge' | 'sender' | 'lease'> {
  readonly tables: BackendTables<S>
  /** Environment variable with the backend's token, where `token` is not given. */
  readonly tokenVariable?: string
}

/** The default export of a bridge's module. */
export interface BridgeConfig<S extends Schema = Schema> {
  readonly schema: S
  /** Name of the database; `--db`. */
  readonly db?: string
  /** Address of the relay; `--relay`. */
  readonly relay?: string
  /** Folder of this bridge alone, for its copy of the database; `--store`. */
  readonly store?: string
  /** Backends by name; the names stay the same for good. */
  readonly backends: Readonly<Record<string, BridgeBackend<S>>>
}
