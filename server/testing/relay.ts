// Relays for tests: in this process, or as a process of their own that can be killed.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { openMemoryLog } from '../log/memory.ts'
import { createRelay, type Relay, type RelayOptions } from '../relay.ts'
import { waitUntil } from './wait.ts'

/** Starts a relay on a free port, in memory unless told otherwise; it ends with the test. */
export const startRelay = async (options: RelayOptions = {}): Promise<Relay> => {
  const log = options.data === undefined ? { log: openMemoryLog() } : {}
  const relay = await createRelay({ port: 0, logger: () => {}, ...log, ...options })
  onTestFinished(() => relay.close())
  return relay
}

/** A run of the command line. */
export interface Run {
  readonly child: ChildProcess
  readonly output: { stdout: string; stderr: string }
  /** Resolves with the exit code once the process has ended; -1 if a signal ended it. */
  readonly ended: Promise<number>
}

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))

/** Runs `merrow` with arguments, from its source or as a built program; it is killed when the test ends. */
export const runMerrow = (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  program: readonly string[] = ['--import', 'tsx', MAIN],
): Run => {
  const { PATH = '' } = process.env
  const child = spawn(process.execPath, [...program, ...args], { env: { PATH, ...env } })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (text) => (output.stdout += String(text)))
  child.stderr.on('data', (text) => (output.stderr += String(text)))
  onTestFinished(() => void child.kill('SIGKILL'))
  return { child, output, ended: once(child, 'close').then(([code]) => Number(code ?? -1)) }
}

/** Runs `merrow relay` and resolves once it listens. */
export const runRelay = async (
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
  program?: readonly string[],
) => {
  const run = runMerrow(['relay', '--port', '0', ...args], env, program)
  const urlIn = () => /listening on (\S+)/.exec(run.output.stdout)?.[1]
  let code: number | undefined
  void run.ended.then((ended) => (code = ended))
  await waitUntil('the relay listens', () => urlIn() !== undefined || code !== undefined, 20_000)
  const url = urlIn()
  if (url === undefined) throw new Error(`The relay ended with ${code}: ${run.output.stderr}`)
  return { ...run, url }
}
