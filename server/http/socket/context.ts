// What every socket of a relay shares: the rooms, the gate, the clock and the bounds.
import type { RawData } from 'ws'
import { MerrowError } from '../../../src/errors.ts'
import type { Logger } from '../../logger.ts'
import type { Hub } from '../../room/hub.ts'
import type { Gate } from '../gate.ts'
import type { Heartbeat, Timers } from './heartbeat.ts'

/** Bounds of one connection. */
export interface SocketLimits {
  /** Largest stock frame, also when it comes in parts, in bytes. */
  readonly maxUpdateBytes: number
  /** Unsent bytes at which a client counts as too slow. */
  readonly maxBacklogBytes: number
  /** Documents open at once on one shared socket. */
  readonly maxDocuments: number
}

/** Given to every socket. */
export interface SocketContext {
  readonly hub: Hub
  readonly gate: Gate
  readonly heartbeat: Heartbeat
  readonly timers: Timers
  readonly logger: Logger
  readonly limits: SocketLimits
  /** Name and version of the relay, for the welcome. */
  readonly relayName: string
}

/**
 * The bytes of a message.
 *
 * @throws {@link MerrowError} `invalid_frame` if it is text or longer than `maxBytes`.
 */
export const bytesOf = (data: RawData, isBinary: boolean, maxBytes: number): Uint8Array => {
  if (!isBinary || !Buffer.isBuffer(data)) throw new MerrowError('invalid_frame', 'Messages are binary, not text.')
  if (data.length <= maxBytes) return data
  throw new MerrowError('invalid_frame', `A message of ${data.length} B is too long; ${maxBytes} B are allowed here.`)
}
