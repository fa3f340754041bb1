// `npm run nightly`: every property test over 10,000 seeds, then the runs that are too long for `npm test`. Prints what it ran.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Test files that check laws over as many seeds as they are told: by `forEachSeed`, or by reading `SEEDS` themselves. */
export const propertyTests = (): readonly string[] =>
  ['src', 'server'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
      .filter(
        (file) =>
          file.endsWith('.test.ts') && /forEachSeed\(|env\['SEEDS'\]/.test(readFileSync(join(root, file), 'utf8')),
      )
      .sort(),
  )

/** One thing that a night runs. */
interface Run {
  readonly what: string
  readonly command: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** All that a night runs, in order. */
export const runsOf = (seeds: number): readonly Run[] => [
  {
    what: `${propertyTests().length} files of property tests, ${seeds} seeds each`,
    command: ['vitest', 'run', ...propertyTests()],
    env: { SEEDS: String(seeds) },
  },
  {
    what: 'a year of 20 replicas, growth, and bulk writes',
    command: ['tsx', 'bench/run.ts', 'year', 'growth', 'bulk'],
  },
  { what: '50 rounds of kills of tabs, bridges and a service', command: ['tsx', 'bench/backend/kill/main.ts'] },
  { what: 'the tour, with a relay that is killed', command: ['tsx', 'demo/tour.ts'] },
]

const main = (): number => {
  const { values } = parseArgs({ options: { seeds: { type: 'string', default: '10000' } } })
  const seeds = Number(values.seeds)
  if (!Number.isInteger(seeds) || seeds < 1) {
    process.stdout.write('npm run nightly [-- --seeds 10000]\n')
    return 2
  }
  const report = runsOf(seeds).map(({ what, command, env }) => {
    process.stdout.write(`\n${what}\n`)
    const startMs = performance.now()
    const { status } = spawnSync('npx', command, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } })
    return { what, isGood: status === 0, seconds: Math.round((performance.now() - startMs) / 1000) }
  })
  process.stdout.write('\n')
  for (const { what, isGood, seconds } of report)
    process.stdout.write(`${isGood ? 'ok    ' : 'FAILED'}  ${what}, ${seconds} s\n`)
  return report.every(({ isGood }) => isGood) ? 0 : 1
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main()
