// What a relay that is not reached, or does not take this client, is reported as. Knows close codes; no socket.
import { MerrowError } from '../errors.ts'
import { CloseCode, WIRE_VERSION } from './wire.ts'

/** There is no connection, and it is tried again. */
export const unreachable = (url: string, reason: string, cause?: unknown): MerrowError =>
  new MerrowError(
    'relay_unreachable',
    `No connection to the relay at ${url} (${reason}). Is it running? It is tried again; local writes are kept.`,
    { cause },
  )

/** The relay has closed the connection with a permanent code. */
export const refusal = (url: string, code: number, reason: string): MerrowError => {
  if (code === CloseCode.wrongVersion)
    return new MerrowError(
      'relay_version',
      `The relay at ${url} speaks another version of the protocol (${reason}; this client speaks ${WIRE_VERSION}). Update the older of the two. Nothing is lost: local writes are kept and will be sent.`,
    )
  if (code === CloseCode.unauthorised)
    return new MerrowError(
      'relay_refused',
      `The relay at ${url} did not take the token (${reason}). Give relay({ token }) a valid one and call db.connect().`,
    )
  return new MerrowError(
    'relay_refused',
    `The relay at ${url} refused this client (${code}: ${reason}). Local writes are kept; db.connect() tries again.`,
  )
}
