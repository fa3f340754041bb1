// Kills a relay again and again while clients write, and counts what became of the writes that it had acknowledged.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import * as prng from 'lib0/prng'
import * as Y from 'yjs'
import { openFileLog } from '../log/file-log.ts'
import { updatesOf } from '../room/answer.ts'
import { buildProgram } from './build-program.ts'
import { Writer } from './kill-writer.ts'

/** How often, and under which load. */
export interface KillOptions {
  readonly folder: string
  readonly kills: number
  readonly seed: number
  readonly writers: number
  readonly documents: number
  /** Documents that are there beside those that are written to. */
  readonly idleDocuments: number
  readonly onKill?: (kill: number, readyMs: number) => void
}

/** What came of it. */
export interface KillReport {
  readonly acknowledged: number
  readonly lost: number
  readonly doubled: number
  /** Documents that could be read in the end, and times that one could not be opened. */
  readonly documents: number
  readonly refusals: number
  /** Milliseconds from starting the process until it listened, longest last. */
  readonly readyMs: readonly number[]
}

/** Compiles the relay to be killed. @returns Its file. */
export const buildVictim = (): Promise<string> => buildProgram('./kill-relay.ts')

/** Runs it. */
export const runKills = async (victim: string, options: KillOptions): Promise<KillReport> => {
  const { folder, kills, seed, documents, idleDocuments } = options
  // The generator stands still at 0.
  const gen = prng.create(seed + 1)
  const names = Array.from({ length: documents }, (_, n) => `load/${n}`)
  await fill(folder, idleDocuments)
  const writers = Array.from({ length: options.writers }, (_, n) => new Writer(n + 1, names, gen))
  const readyMs: number[] = []
  for (let kill = 1; kill <= kills; kill++) {
    const relay = await start(victim, folder)
    readyMs.push(relay.readyMs)
    for (const writer of writers) writer.connect(relay.url)
    await Promise.race([...writers.map((writer) => writer.acknowledgedMore()), once(relay.child, 'exit')])
    await new Promise((resolve) => setTimeout(resolve, prng.int32(gen, 0, 60)))
    relay.child.kill('SIGKILL')
    if (relay.child.signalCode === null) await once(relay.child, 'exit')
    for (const writer of writers) writer.disconnect()
    options.onKill?.(kill, relay.readyMs)
  }
  const counts = await check(folder, names, writers)
  const refusals = writers.reduce((sum, writer) => sum + writer.refusals, 0)
  return { ...counts, refusals, readyMs: readyMs.sort((a, b) => a - b) }
}

const fill = async (folder: string, documents: number): Promise<void> => {
  const log = await openFileLog({ folder })
  const update = Y.encodeStateAsUpdate(new Y.Doc())
  await Promise.all(Array.from({ length: documents }, (_, n) => log.append(`idle/${n}`, [update])))
  await log.close()
}

const start = async (
  victim: string,
  folder: string,
): Promise<{ child: ChildProcess; url: string; readyMs: number }> => {
  const from = performance.now()
  const child = spawn(process.execPath, [victim, folder], { stdio: ['ignore', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (text) => (errors += String(text)))
  const [said] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as [unknown]
  if (!Buffer.isBuffer(said)) throw new Error(`The relay ended with ${String(said)}: ${errors}`)
  return { child, url: String(said).trim(), readyMs: performance.now() - from }
}

const check = async (folder: string, names: readonly string[], writers: readonly Writer[]) => {
  const log = await openFileLog({ folder })
  const [acknowledged, held, once] = [new Set<string>(), new Set<string>(), { doubled: 0 }]
  for (const writer of writers) for (const id of writer.acknowledged) acknowledged.add(id)
  for (const name of names) {
    const doc = new Y.Doc()
    for (const update of await updatesOf(await log.read(name))) Y.applyUpdate(doc, update)
    for (const id of doc.getArray<string>('log')) {
      if (held.has(id)) once.doubled += 1
      held.add(id)
    }
  }
  const all = (await log.documents()).filter((name) => !name.startsWith('#'))
  for (const name of all) await log.read(name)
  await log.close()
  const lost = [...acknowledged].filter((id) => !held.has(id)).length
  return { acknowledged: acknowledged.size, lost, documents: all.length, ...once }
}
