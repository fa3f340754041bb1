// `merrow restore`: brings a document back to a snapshot, through the relay that runs, or in a folder that none uses.
import { MerrowError } from '../../src/errors.ts'
import { openFileLog } from '../log/file-log.ts'
import { KEEP_ALL } from '../log/retention.ts'
import { createHub } from '../room/hub.ts'
import { createSnapshotter } from '../room/snapshotter.ts'
import { type Arguments, readArguments, readToken } from './arguments.ts'
import type { Command } from './command.ts'
import { DATA_USAGE, dataFolder, positionalsOf } from './data-folder.ts'

/** Restores a document. */
export const command: Command = {
  usage: `Usage: merrow restore <document> --at <number> [options]

What was written since is undone by a new update, which merges with whatever clients hold or write meanwhile; the state
before is kept as a snapshot. "merrow snapshots <document>" lists the numbers.
  --at <number>         the snapshot
  --as <name>           make it a new document instead
  --relay <url>         relay that runs; without one, the data folder, which no relay may use meanwhile
  --token-file <file>   token for the relay (or MERROW_TOKEN)
${DATA_USAGE}

Exit codes: 0 restored, 1 failed.
`,
  async run(args, env) {
    const found = readArguments('restore', args, { values: ['at', 'as', 'relay', 'token-file', 'data'] })
    const at = Number(found.values.get('at'))
    if (!Number.isInteger(at) || at < 1) found.faults.push('Give --at the number of a snapshot.')
    const token = readToken(found, env)
    const [document = ''] = positionalsOf(found, 'name of a document')
    const url = found.values.get('relay')
    const into = found.values.get('as')
    if (url === undefined) await restoreInFolder(found, env, { document, at, into })
    else await askRelay(url, token, { document, at, into })
    console.log(`${into ?? document} is as ${document} was at update ${at}`)
    return 0
  },
}

interface Wish {
  readonly document: string
  readonly at: number
  readonly into: string | undefined
}

const restoreInFolder = async (found: Arguments, env: Readonly<NodeJS.ProcessEnv>, wish: Wish): Promise<void> => {
  const log = await openFileLog({ folder: dataFolder(found, env), retention: KEEP_ALL })
  const snapshotter = createSnapshotter()
  try {
    await createHub({ log, snapshotter, logger: () => {} }).restore(wish.document, wish.at, wish.into)
  } finally {
    await snapshotter.close()
    await log.close()
  }
}

const askRelay = async (url: string, token: string | undefined, { document, at, into }: Wish): Promise<void> => {
  const address = new URL(`/v1/history/${encodeURIComponent(document)}`, url)
  address.searchParams.set('restore', String(at))
  if (into !== undefined) address.searchParams.set('as', into)
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const response = await fetch(address, { method: 'POST', headers }).catch((cause: unknown) => {
    throw new MerrowError('relay_unreachable', `Cannot reach the relay at ${url}: ${String(cause)}. Is it running?`, {
      cause,
    })
  })
  if (!response.ok)
    throw new MerrowError('relay_refused', `The relay refused (${response.status}): ${await response.text()}`)
}
