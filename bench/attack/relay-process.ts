// Starts a relay in a process of its own, and knows whether it has ended before it was told to.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RelayLimits } from '../../server/limits.ts'

/** A relay that runs. */
export interface RelayProcess {
  readonly url: string
  /** How often it has ended by itself. */
  readonly exits: number
  /** Bytes of its heap and buffers after a collection. */
  memory(): Promise<number>
  /** How many bytes each client was behind that it closed as too slow. */
  slow(): Promise<readonly number[]>
  stop(): Promise<void>
}

/** Starts one in an empty folder. */
export const startRelayProcess = async (limits: RelayLimits = {}): Promise<RelayProcess> => {
  const folder = mkdtempSync(join(tmpdir(), 'merrow-attack-'))
  const module = fileURLToPath(new URL('./relay-child.ts', import.meta.url))
  const child = fork(module, [folder, JSON.stringify(limits)], { execArgv: ['--import', 'tsx', '--expose-gc'] })
  let exits = 0
  let isStopping = false
  child.on('exit', () => {
    if (!isStopping) exits += 1
  })
  const ask = async (): Promise<{ readonly bytes: number; readonly slow: readonly number[] }> => {
    child.send('figures')
    const [figures] = (await once(child, 'message')) as [{ bytes: number; slow: number[] }]
    return figures
  }
  const [{ url }] = (await once(child, 'message')) as [{ url: string }]
  return {
    url,
    get exits() {
      return exits
    },
    memory: async () => (await ask()).bytes,
    slow: async () => (await ask()).slow,
    async stop() {
      isStopping = true
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
