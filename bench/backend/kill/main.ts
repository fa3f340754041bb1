// `npm run kill:backend -- --rounds 50`: rounds of kills, and the figures. Exits 1 if anything does not hold.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runRounds } from './run.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '50' }, seed: { type: 'string', default: '1' } },
})
const folder = mkdtempSync(join(tmpdir(), 'merrow-kill-backend-'))
const startedMs = Date.now()
const report = await runRounds({
  folder,
  postgres: process.env['MERROW_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/test',
  rounds: Number(values.rounds),
  seed: Number(values.seed),
  onTrouble: console.log,
  onRound: (round, saved) => {
    if (round % 5 === 0) console.log(`round ${round}: ${saved} inserts saved`)
  },
})
const { faults, kills, records, saved, deadLetters, takeoverMs, restMs } = report
console.log(
  `${values.rounds} rounds in ${Math.round((Date.now() - startedMs) / 1000)} s: killed with -9 ${kills.tab} tabs, ${kills.browser} browsers, ${kills.bridge} bridges, ${kills.service} services; ${saved} inserts saved, ${records} records, ${deadLetters} in the dead letter; another bridge led after ${takeoverMs[Math.floor(takeoverMs.length / 2)]} ms (median), ${takeoverMs.at(-1)} ms (longest); all at rest after ${Math.round(restMs / 1000)} s; ${faults.length} faults`,
)
for (const fault of faults.slice(0, 20)) console.log(fault)
rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
process.exit(faults.length > 0 ? 1 : 0)
