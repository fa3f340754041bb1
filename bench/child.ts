// One measurement in a process of its own, so that heap and compiled code start clean. Takes one job as JSON, prints its figures as JSON.
import { readFile, writeFile } from 'node:fs/promises'
import type { Figures } from './bench-case.ts'
import { createData } from './data.ts'
import { loadCase, loadPeer } from './folder.ts'

/** What a child process does: measures a case, or, without one, stores fresh rows for cases that start from bytes. */
export interface Job {
  readonly case?: string
  readonly peer: string
  readonly rows: number
  readonly seed: number
  /** File of the peer's stored rows. */
  readonly storedPath: string
}

const run = async (job: Job): Promise<Figures> => {
  const { rows, seed, storedPath } = job
  const benchCase = job.case === undefined ? undefined : await loadCase(job.case)
  const peer = await loadPeer(job.peer, benchCase?.peers)
  if (benchCase !== undefined) return benchCase.measure(peer, { rows, seed, readStored: () => readFile(storedPath) })
  const table = await peer.create()
  table.insertMany(createData(seed).rows(rows))
  const stored = await table.store()
  await writeFile(storedPath, stored)
  return { bytes: stored.length }
}

process.stdout.write(`${JSON.stringify(await run(JSON.parse(process.argv[2] as string) as Job))}\n`)
