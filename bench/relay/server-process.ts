// A server of the relay bench as a process of its own, in plain Node and with nothing but its own code. Knows no protocol.
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A server that runs. */
export interface ServerProcess {
  readonly port: number
  /** Milliseconds from starting the process until it listened. */
  readonly startMs: number
  /** Bytes of its heap and buffers after a collection. */
  memory(): Promise<number>
  /** Microseconds of processor time that it has taken so far, all threads and the kernel's part included. */
  processorUs(): Promise<number>
  /** Ends it with `kill -9`. */
  kill(): Promise<void>
}

/** Starts a server's module on a folder. */
export const startServer = async (module: string, folder: string): Promise<ServerProcess> => {
  const path = fileURLToPath(new URL(`./servers/${module}`, import.meta.url))
  const from = performance.now()
  const child = fork(path, [folder], { execArgv: ['--expose-gc'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const { port } = (await answerOf(child)) as { port: number }
  return {
    port,
    startMs: performance.now() - from,
    async memory() {
      child.send('memory')
      return ((await answerOf(child)) as { bytes: number }).bytes
    },
    async processorUs() {
      child.send('processor')
      const { user, system } = (await answerOf(child)) as NodeJS.CpuUsage
      return user + system
    },
    kill: () => kill(child),
  }
}

const COMMAND = fileURLToPath(new URL('../../dist/server/main.js', import.meta.url))

/** Starts the relay as its users do, by its command. */
export const startCommand = async (folder: string): Promise<Omit<ServerProcess, 'memory' | 'processorUs'>> => {
  const from = performance.now()
  const args = [COMMAND, 'relay', '--port', '0', '--data', folder]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`The relay ended with code ${code}.`)
  })
  const [said] = (await Promise.race([once(child.stdout, 'data'), ended])) as [Buffer]
  const startMs = performance.now() - from
  const port = Number(/listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(said.toString())?.[1])
  return { port, startMs, kill: () => kill(child) }
}

const kill = async (child: ChildProcess): Promise<void> => {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

const answerOf = async (child: ChildProcess): Promise<unknown> => {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`The server ended with code ${code}.`)
  })
  const [answer] = await Promise.race([once(child, 'message'), ended])
  return answer
}
