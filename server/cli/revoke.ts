// `merrow revoke`: ends what a user's tokens allow, at a relay that runs.
import { MerrowError } from '../../src/errors.ts'
import { invalidArguments, readArguments } from './arguments.ts'
import type { Command } from './command.ts'
import { positionalsOf } from './data-folder.ts'

/** Revokes a user's tokens. */
export const command: Command = {
  usage: `Usage: merrow revoke <subject> --relay <url>

Closes the user's connections at once (4401) and refuses every token that was issued until now, for good. A newer token counts.
  --relay <url>         relay that runs, with an admin token; that is read from MERROW_ADMIN_TOKEN

Exit codes: 0 revoked, 1 failed.
`,
  async run(args, env) {
    const found = readArguments('revoke', args, { values: ['relay'] })
    const url = found.values.get('relay')
    const { MERROW_ADMIN_TOKEN: token } = env
    if (url === undefined || !URL.canParse(url)) found.faults.push('Give --relay the address of the relay.')
    if (token === undefined) found.faults.push('Give the admin token of the relay: MERROW_ADMIN_TOKEN.')
    const [subject = ''] = positionalsOf(found, 'claim "sub" of the user')
    if (url === undefined) throw invalidArguments(found.faults)
    const address = new URL('/admin/revoke', url)
    address.searchParams.set('subject', subject)
    const init = { method: 'POST', headers: { authorization: `Bearer ${token}` } }
    const response = await fetch(address, init).catch((cause: unknown) => {
      const message = `Cannot reach the relay at ${url}: ${String(cause)}. Is it running?`
      throw new MerrowError('relay_unreachable', message, { cause })
    })
    if (!response.ok)
      throw new MerrowError('relay_refused', `The relay refused (${response.status}): ${await response.text()}`)
    console.log(`the tokens of ${subject} are revoked`)
    return 0
  },
}
