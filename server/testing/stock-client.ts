// An unmodified y-websocket client.
import { onTestFinished } from 'vitest'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

/** Connects a stock provider to a room; it is destroyed when the test ends. */
export const stockClient = (url: string, room: string, params: Record<string, string> = {}) => {
  const doc = new Y.Doc()
  const provider = new WebsocketProvider(`${url.replace('http', 'ws')}/yjs`, room, doc, {
    WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
    disableBc: true,
    maxBackoffTime: 100,
    params,
  })
  onTestFinished(() => {
    provider.destroy()
    provider.awareness.destroy()
  })
  return { doc, provider, awareness: provider.awareness, map: doc.getMap('m'), text: doc.getText('t') }
}
