// WebSockets as this layer sees them, and where they come from. Knows no messages.

/** The part of the WebSocket interface that is used; browsers, Node 22 and npm `ws` have it. */
export interface Socket {
  binaryType: string
  readonly protocol: string
  onopen: ((event: never) => void) | null
  onmessage: ((event: { readonly data: unknown }) => void) | null
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null
  onerror: ((event: never) => void) | null
  send(data: Uint8Array): void
  close(code?: number, reason?: string): void
}

/** Makes a socket: `WebSocket` or one like it. */
export type SocketClass = new (url: string, protocols: string[]) => Socket

/** The platform's WebSocket, or that of npm `ws` in Node 20. */
export const platformSocket = async (): Promise<SocketClass> => {
  if (typeof WebSocket !== 'undefined') return WebSocket as unknown as SocketClass
  const { WebSocket: NodeSocket } = await import('ws')
  return NodeSocket as unknown as SocketClass
}

/** Timers, so that tests can hold them. */
export interface Timers {
  setTimeout(work: () => void, ms: number): unknown
  clearTimeout(timer: unknown): void
}

/** The platform's timers. */
export const systemTimers: Timers = {
  setTimeout: (work, ms) => setTimeout(work, ms),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
}
