// What was acknowledged survives fifty kills under load. `npm run kill -- --kills 500` does more of them.
import { expect, it, onTestFinished } from 'vitest'
import { removeProgram } from './testing/build-program.ts'
import { testFolder } from './testing/folder.ts'
import { buildVictim, runKills } from './testing/kill.ts'

it('[W6] 50 kills among 8 writers on 20 documents lose and double nothing that was acknowledged', async () => {
  const victim = await buildVictim()
  onTestFinished(() => removeProgram(victim))
  const seed = Number(process.env['SEED'] ?? Date.now() % 100_000)
  const load = { writers: 8, documents: 20, idleDocuments: 980 }
  // Two at a time: most of it is waiting for processes to start.
  const reports = await Promise.all(
    [seed, seed + 1].map((seed) => runKills(victim, { ...load, folder: testFolder(), kills: 25, seed })),
  )
  for (const { acknowledged, readyMs, ...rest } of reports) {
    expect([rest, `SEED=${seed}`]).toEqual([{ lost: 0, doubled: 0, refusals: 0, documents: 1000 }, `SEED=${seed}`])
    // Each kill waits for one; how many more there are is the machine's business.
    expect(acknowledged).toBeGreaterThanOrEqual(25)
    expect(readyMs).toHaveLength(25)
  }
})
