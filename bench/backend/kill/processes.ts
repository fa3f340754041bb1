// What is killed: the service, bridges, and a browser, each a process that is started again. Knows how each is started; no laws.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'

const CHROMIUM = process.env['MERROW_CHROMIUM'] ?? '/usr/bin/chromium'
const CHROMIUM_ARGS =
  '--headless=new --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split(
    ' ',
  )

const sourceOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** A process, and what it says. */
export interface Run {
  readonly child: ChildProcess
  output: string
}

const run = (file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Run => {
  const { PATH = '' } = process.env
  const child = spawn(process.execPath, ['--import', 'tsx', sourceOf(file), ...args], {
    env: { PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const started: Run = { child, output: '' }
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (started.output += String(text)))
  return started
}

/** Kills with -9, and waits until it is gone. */
export const kill = async ({ child }: Run): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** Starts the service on a port. */
export const startService = async (postgres: string, schema: string, port: number): Promise<Run> => {
  const service = run('./service.ts', [postgres, schema, String(port)])
  while (!service.output.includes('ready')) {
    if (service.child.exitCode !== null) throw new Error(`The service ended: ${service.output}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return service
}

/** Starts a bridge; it leads when it can. */
export const startBridge = (folder: string, name: string, relay: string, service: string): Run =>
  run(
    '../../../server/main.ts',
    ['bridge', '--config', sourceOf('./bridge-config.ts'), '--relay', relay, '--store', join(folder, name)],
    { SERVICE_URL: service },
  )

/** Whether a bridge holds the lease, as far as it has said. */
export const leads = ({ output }: Run): boolean =>
  output.lastIndexOf('sends and pulls for all') > output.lastIndexOf('"waits: ')

/** A port that nobody listens on. */
export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })

/** A browser with a profile on disk, in a group of processes of its own. */
export class Chromium {
  readonly #profile: string
  #child: ChildProcess | undefined
  #browser: Browser | undefined

  constructor(folder: string) {
    this.#profile = join(folder, 'profile')
  }

  /** Opens a page, in a browser that is started if there is none. */
  async open(url: string): Promise<Page> {
    this.#browser ??= await this.#start()
    const context = this.#browser.contexts()[0]
    if (context === undefined) throw new Error('Chromium has no context.')
    const page = await context.newPage()
    await page.goto(url, { waitUntil: 'commit' })
    return page
  }

  /** Kills the process of a page with -9, and no other. */
  async killTab(page: Page): Promise<void> {
    if (this.#browser === undefined) return
    const session = await this.#browser.newBrowserCDPSession()
    const { processInfo } = await session.send('SystemInfo.getProcessInfo')
    const crashed = new Promise((resolve) => page.once('crash', resolve))
    for (const { type, id } of processInfo) if (type === 'renderer') process.kill(id, 'SIGKILL')
    await Promise.race([crashed, new Promise((resolve) => setTimeout(resolve, 2000))])
    void session.detach().catch(() => {})
    // A page whose process is gone may never close, and is in nobody's way.
    void page.close().catch(() => {})
  }

  /** Kills the whole browser with -9. */
  async kill(): Promise<void> {
    const child = this.#child
    this.#browser = undefined
    this.#child = undefined
    if (child?.pid === undefined) return
    const gone = once(child, 'exit')
    process.kill(-child.pid, 'SIGKILL')
    await gone
  }

  async #start(): Promise<Browser> {
    const args = [...CHROMIUM_ARGS, `--user-data-dir=${this.#profile}`, '--remote-debugging-port=0', 'about:blank']
    const child = spawn(CHROMIUM, args, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child = child
    let text = ''
    const endpoint = await new Promise<string>((resolve, reject) => {
      child.stderr.on('data', (part) => {
        text += String(part)
        const found = /DevTools listening on (\S+)/.exec(text)?.[1]
        if (found !== undefined) resolve(found)
      })
      child.once('exit', () => reject(new Error(`Chromium ended: ${text}`)))
    })
    return chromium.connectOverCDP(endpoint)
  }
}
