// `npm run kill -- --kills 500`: many kills, and the figures. Exits 1 if anything acknowledged is lost.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { removeProgram } from './build-program.ts'
import { buildVictim, runKills } from './kill.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    documents: { type: 'string', default: '1000' },
  },
})
const folder = mkdtempSync(join(tmpdir(), 'merrow-kill-'))
const victim = await buildVictim()
const report = await runKills(victim, {
  folder,
  kills: Number(values.kills),
  seed: Number(values.seed),
  writers: 8,
  documents: 20,
  idleDocuments: Number(values.documents) - 20,
  onKill: (kill, readyMs) => {
    if (kill % 50 === 0) console.log(`${kill} kills, ready after ${readyMs.toFixed(0)} ms`)
  },
})
const { acknowledged, lost, doubled, refusals, readyMs } = report
const at = (share: number): string => (readyMs[Math.ceil(readyMs.length * share) - 1] ?? 0).toFixed(0)
console.log(
  `${values.kills} kills, ${acknowledged} writes acknowledged, ${lost} lost, ${doubled} doubled, ${refusals} documents refused; ready after ${at(0.5)} ms (median), ${at(1)} ms (longest), with ${values.documents} documents`,
)
rmSync(folder, { recursive: true, force: true })
removeProgram(victim)
process.exitCode = lost + doubled + refusals > 0 ? 1 : 0
