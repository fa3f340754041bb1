// `merrow token`: signs a token for development, with the secret that the relay checks it by.
import { readFileSync } from 'node:fs'
import { show } from '../../src/errors.ts'
import { signToken } from '../auth/development-token.ts'
import type { Access } from '../auth/grants.ts'
import { invalidArguments, readArguments } from './arguments.ts'
import type { Command } from './command.ts'

/** Signs a token. */
export const command: Command = {
  usage: `Usage: merrow token --subject <user> --grant <pattern>=<read|write> [options]

Signs a token (HS256) for a relay that was given the same secret, issuer and audience. Meant for development: in production your own
sign-in makes tokens.

Options:
  --subject <user>        whom it is for
  --grant <pattern>=<access>  what it opens, such as "acme/*=write"; give it as often as there are grants
  --issuer <text>         claim "iss" (or MERROW_JWT_ISSUER)
  --audience <text>       claim "aud" (or MERROW_JWT_AUDIENCE)
  --secret-file <file>    file with the secret (or MERROW_JWT_SECRET)
  --lifetime <seconds>    how long it counts (3600)
`,
  async run(args, env) {
    const { values, lists, faults } = readArguments('token', args, {
      values: ['subject', 'issuer', 'audience', 'secret-file', 'lifetime'],
      lists: ['grant'],
    })
    const required = (what: string, value: string | undefined): string => {
      if (!value) faults.push(`It needs ${what}.`)
      return value ?? ''
    }
    const file = values.get('secret-file')
    const lifetimeS = Number(values.get('lifetime') ?? 3600)
    if (!(lifetimeS > 0)) faults.push('Option --lifetime needs a number of seconds above zero.')
    const grants = Object.fromEntries((lists.get('grant') ?? []).map((text) => grantOf(text, faults)))
    if (Object.keys(grants).length === 0) faults.push('It needs a --grant, such as "acme/*=write".')
    const request = {
      subject: required('a --subject', values.get('subject')),
      issuer: required('an --issuer, or MERROW_JWT_ISSUER', values.get('issuer') ?? env['MERROW_JWT_ISSUER']),
      audience: required('an --audience, or MERROW_JWT_AUDIENCE', values.get('audience') ?? env['MERROW_JWT_AUDIENCE']),
      secret: required(
        'a --secret-file, or MERROW_JWT_SECRET',
        file ? readSecret(file, faults) : env['MERROW_JWT_SECRET'],
      ),
    }
    if (faults.length > 0) throw invalidArguments(faults)
    console.log(await signToken({ ...request, grants, lifetimeS }))
    return 0
  },
}

const readSecret = (file: string, faults: string[]): string => {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    faults.push(`Option --secret-file: ${(error as Error).message}.`)
    return ''
  }
}

const grantOf = (text: string, faults: string[]): readonly [string, Access] => {
  const at = text.lastIndexOf('=')
  const access = text.slice(at + 1)
  if (at <= 0 || (access !== 'read' && access !== 'write'))
    faults.push(`Option --grant ${show(text)}: give a pattern and read or write, such as "acme/*=write".`)
  return [text.slice(0, Math.max(at, 0)), access === 'read' ? 'read' : 'write']
}
