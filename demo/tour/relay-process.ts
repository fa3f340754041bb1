// A relay as a process of its own, to be killed without warning. Knows its command line alone.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../dist/server/main.js', import.meta.url))

/** A relay on a port and a folder that outlast its process. */
export class RelayProcess {
  readonly #data: string
  #port = 0
  #child: ChildProcess | undefined

  constructor(data: string) {
    this.#data = data
  }

  /** Where it listens, once it has been started. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Starts it, on the same port each time. @returns Milliseconds until it was ready. */
  async start(): Promise<number> {
    const startedAt = performance.now()
    const child = spawn(process.execPath, [MAIN, 'relay', '--port', String(this.#port), '--data', this.#data], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#child = child
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) =>
        reject(new Error(`The relay ended with ${code} before it was ready. Run "npm run build" first.`)),
      )
      createInterface({ input: child.stdout }).on('line', (line) => {
        const port = /listening on http:\/\/[^:]+:(\d+)/.exec(line)?.[1]
        if (port === undefined) return
        this.#port = Number(port)
        resolve()
      })
    })
    return performance.now() - startedAt
  }

  /** Ends it at once (SIGKILL), or, if asked kindly, after it has finished its work (SIGTERM). */
  async stop(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await ended
  }
}
