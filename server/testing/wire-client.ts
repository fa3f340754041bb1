// A client of the shared socket for attacks and load, without a test runner: one document, its long frames joined.
import { once } from 'node:events'
import WebSocket from 'ws'
import { decodeMessage, encodeMessage, type Message, SUBPROTOCOL, WIRE_VERSION } from '../../src/sync/wire.ts'

/** One connection that has been welcomed. */
export interface WireClient {
  readonly socket: WebSocket
  readonly isOpen: boolean
  /** Opens the document on a new channel; frames go there from now on. */
  open(client?: number): void
  frame(bytes: Uint8Array): void
  send(message: Message): void
  /** Called with each message but pings, which are answered. */
  onMessage: (message: Message) => void
  /** Called once the socket is closed. */
  onClose: (code: number) => void
}

/** Connects, and opens a document. */
export const wireClient = async (url: string, document: string, token?: string): Promise<WireClient> => {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/sync`, SUBPROTOCOL)
  const send = (message: Message): void => {
    if (socket.readyState === socket.OPEN) socket.send(encodeMessage(message))
  }
  let channel = 0
  const parts: Uint8Array[] = []
  const client: WireClient = {
    socket,
    get isOpen() {
      return socket.readyState === socket.OPEN
    },
    open(id) {
      channel += 1
      send({ kind: 'open', channel, document, ...(id === undefined ? {} : { client: id }) })
    },
    send,
    frame: (bytes) => send({ kind: 'frame', channel, bytes }),
    onMessage: () => {},
    onClose: () => {},
  }
  socket.on('error', () => {})
  await once(socket, 'open')
  send({ kind: 'hello', version: WIRE_VERSION, ...(token === undefined ? {} : { token }) })
  await new Promise<void>((resolve, reject) => {
    socket.on('message', (data: Buffer) => {
      const message = decodeMessage(data)
      if (message.kind === 'welcome') resolve()
      else if (message.kind === 'ping') send({ kind: 'pong' })
      else if (message.kind === 'part') parts.push(message.bytes)
      else if (message.kind === 'frame')
        client.onMessage({ ...message, bytes: Buffer.concat([...parts.splice(0), message.bytes]) })
      else client.onMessage(message)
    })
    socket.on('close', (code) => {
      reject(new Error(`closed with ${code}`))
      client.onClose(code)
    })
  })
  client.open()
  return client
}
