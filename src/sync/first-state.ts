// The first state of a document over HTTP: streamed, compressed, and resumed where it broke off. Knows bytes, no Yjs.

/** Where a state is fetched from. */
export interface FirstStateOptions {
  /** Address of the shared socket; its host is asked. */
  readonly url: string
  readonly token: string | undefined
  readonly fetch: typeof globalThis.fetch
}

/** Attempts in a row that bring nothing, after which the socket brings it all. */
const MAX_FRUITLESS = 3

/**
 * Fetches the last snapshot that the relay has of a document; what came after it the socket brings.
 *
 * @returns One update (v1); `undefined` if there is none, or it cannot be had this way.
 */
export const fetchFirstState = async (
  document: string,
  options: FirstStateOptions,
): Promise<Uint8Array | undefined> => {
  const url = new URL(`/v1/docs/${encodeURIComponent(document)}?snapshot&raw=gzip`, options.url)
  url.protocol = url.protocol.replace(/^ws/, 'http')
  const got: Received = { parts: [], bytes: 0, etag: undefined }
  for (let fruitless = 0; fruitless < MAX_FRUITLESS; ) {
    const before = got.bytes
    try {
      const isWhole = await receive(url, got, options)
      return isWhole ? await decompress(got.parts) : undefined
    } catch {
      // Broken off: what has come is kept, and the rest asked for.
      fruitless = got.bytes > before ? 0 : fruitless + 1
    }
  }
  return undefined
}

interface Received {
  parts: Uint8Array<ArrayBuffer>[]
  bytes: number
  etag: string | undefined
}

/** Receives what is missing. @returns Whether it came; not so if the relay has nothing to send. */
const receive = async (url: URL, got: Received, { token, fetch }: FirstStateOptions): Promise<boolean> => {
  const headers = new Headers(token === undefined ? {} : { authorization: `Bearer ${token}` })
  if (got.etag !== undefined) {
    headers.set('range', `bytes=${got.bytes}-`)
    headers.set('if-range', got.etag)
  }
  const response = await fetch(url, { headers })
  if (!response.ok || response.body === null) return false
  // Another snapshot by now: from the start.
  if (response.status !== 206) Object.assign(got, { parts: [], bytes: 0 })
  got.etag = response.headers.get('etag') ?? undefined
  const reader = response.body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return true
    got.parts.push(value)
    got.bytes += value.length
  }
}

const decompress = async (parts: readonly Uint8Array<ArrayBuffer>[]): Promise<Uint8Array> => {
  const stream = new Blob([...parts]).stream().pipeThrough(new DecompressionStream('gzip'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}
