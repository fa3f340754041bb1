// What every socket of a relay shares: the rooms, who may come in, the clock and the bounds.
import type { RawData } from 'ws'
import { MerrowError } from '../../../src/errors.ts'
import type { Authority } from '../../auth/authority.ts'
import type { Logger } from '../../logger.ts'
import type { Duties } from '../../room/duties.ts'
import type { Hub } from '../../room/hub.ts'
import type { Gate } from '../gate.ts'
import type { Bucket } from './bucket.ts'
import type { ConnectedSocket } from './connection.ts'
import type { Heartbeat, Timers } from './heartbeat.ts'
import type { SendRates } from './intake.ts'
import type { OutletOptions, Stream } from './outlet.ts'
import type { Sessions } from './sessions.ts'

/** Bounds of one connection. */
export interface SocketLimits {
  /** Largest stock frame, also when it comes in parts, in bytes. */
  readonly maxUpdateBytes: number
  /** Documents open at once on one shared socket. */
  readonly maxDocuments: number
  /** How fast one connection may send; a subject, over all its connections, four times that. */
  readonly rates: SendRates
}

/** Given to every socket. */
export interface SocketContext {
  readonly hub: Hub
  readonly gate: Gate
  readonly authority: Authority
  readonly sessions: Sessions
  readonly duties: Duties
  /** What may be refused of all clients together before they are read more slowly. */
  readonly refusals: Bucket
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number
  readonly heartbeat: Heartbeat
  readonly timers: Timers
  readonly logger: Logger
  readonly limits: SocketLimits
  readonly outlets: OutletOptions
  /** Name and version of the relay, for the welcome. */
  readonly relayName: string
}

/** One client's WebSocket and the stream under it. */
export interface Client {
  readonly socket: ConnectedSocket
  readonly stream: Stream
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
