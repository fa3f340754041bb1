// `npm run bench`: measures cases and prints figures beside their yardsticks. Knows the command line.
import { parseArgs } from 'node:util'
import { caseNames, loadCase, loadPeer, type PeerFolder, peerNames } from './folder.ts'
import { describeRun, type Finding, findings, formatTable } from './report.ts'
import { peersOf, runCases } from './rounds.ts'

const PEER_FOLDERS: readonly PeerFolder[] = ['peers', 'query-peers', 'relay-peers']

const USAGE = `tsx bench/run.ts [case ...] [--rows 100000] [--rounds 5] [--seed 1] [--peers a,b] [--json] [--strict]

  --peers    beside these alone, so that a long run can be cut into short ones
  --json     print the findings as JSON
  --strict   exit 1 if an aim is missed


cases: ${caseNames().join(', ')}; "relay" is all that begin so
peers: ${peerNames().join(', ')}; of queries: ${peerNames('query-peers').join(', ')}; of relays: ${peerNames('relay-peers').join(', ')}
`

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rows: { type: 'string', default: '100000' },
      rounds: { type: 'string', default: '5' },
      seed: { type: 'string', default: '1' },
      peers: { type: 'string' },
      json: { type: 'boolean', default: false },
      strict: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const size = { rows: Number(values.rows), rounds: Number(values.rounds), seed: Number(values.seed) }
  const chosen = positionals.map((name) =>
    caseNames().filter((known) => known === name || known.startsWith(`${name}-`)),
  )
  const isWrong =
    chosen.some(({ length }) => length === 0) ||
    !Object.values(size).every((value) => Number.isInteger(value) && value > 0)
  if (values.help || isWrong) {
    process.stdout.write(USAGE)
    return isWrong ? 2 : 0
  }

  const peers = values.peers?.split(',')
  const strangers = peers?.filter((name) => !PEER_FOLDERS.some((folder) => peerNames(folder).includes(name))) ?? []
  if (strangers.length > 0) {
    process.stderr.write(`--peers ${strangers.join(', ')}: there are none of that name.\n\n${USAGE}`)
    return 2
  }
  const names = chosen.length > 0 ? [...new Set(chosen.flat())] : caseNames()
  const packages = (await Promise.all(names.map((name) => packagesOf(name, peers)))).flat()
  const header = describeRun(packages, size)
  const found: Finding[] = []
  const onProgress = (what: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`)
  }
  await runCases(names, { ...size, peers, onProgress }, async (name, result) => {
    found.push(...findings(name, await loadCase(name), result))
  })
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')

  if (values.json) process.stdout.write(`${JSON.stringify({ header, findings: found }, null, 2)}\n`)
  else process.stdout.write(`${header}\n\n${formatTable(found)}\n\n${await explain(names)}`)
  const missed = found.filter(({ isMet }) => !isMet)
  return values.strict && missed.length > 0 ? 1 : 0
}

/** The packages that a case's peers stand on. */
const packagesOf = async (name: string, chosen: readonly string[] | undefined): Promise<readonly string[]> => {
  const benchCase = await loadCase(name)
  const taking = peersOf(benchCase, chosen)
  return (await Promise.all(taking.map((peer) => loadPeer(peer, benchCase.peers)))).flatMap(({ packages }) => packages)
}

const explain = async (names: readonly string[]): Promise<string> =>
  (await Promise.all(names.map(async (name) => `${name}: ${(await loadCase(name)).title}\n`))).join('')

process.exitCode = await main()
