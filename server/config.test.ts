// Settings: where they come from, which wins, and that all faults are named at once.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readConfig } from './config.ts'
import { testFolder } from './testing/folder.ts'

const fileWith = (content: unknown): string => {
  const file = join(testFolder(), 'merrow.json')
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}
const faultsIn = (args: readonly string[], env = {}): string[] => {
  try {
    readConfig(args, env)
    return []
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid_config' })
    return String((error as Error).message).split('\n')
  }
}

it('[O10] a config file with three faults reports three, each with its key and what would be right', () => {
  const file = fileWith({ port: 'many', hots: 'localhost', origins: ['https://a.example/path'], keepDays: 3 })
  const faults = faultsIn(['--config', file])
  expect(faults).toHaveLength(3)
  expect(faults[0]).toMatch(/"port" in .* is "many", not a whole number from 0 to 65535/)
  expect(faults[1]).toMatch(/"hots" in .* is no setting/)
  expect(faults[2]).toMatch(/"origins" in .*not an origin like/)
})

it('[O10] faults of file, environment and arguments are told together', () => {
  const faults = faultsIn(['--config', fileWith({ tlsCert: 'no-such-file' }), '--max-documents', '0'], {
    MERROW_KEEP_DAYS: '-1',
    MERROW_TOKEN: 'short',
  })
  expect(faults).toHaveLength(5)
  expect(faults.join()).not.toContain('short')
})

it.each([
  ['{"port": 1,}', /is no JSON/],
  ['[1]', /no JSON object/],
])('[O10] a config file that is %s is told', (text, said) => {
  expect(faultsIn([], { MERROW_CONFIG: fileWith(text) })).toEqual([expect.stringMatching(said)])
})

it('[S7] arguments win over the environment, and it over the file', () => {
  const file = fileWith({ port: 1, host: 'localhost', keepSnapshots: 7, yjsTokenInUrl: true, maxDocuments: 5 })
  const config = readConfig(['--config', file, '--port', '3'], { MERROW_PORT: '2', MERROW_MAX_DOCUMENTS: '6' })
  expect(config).toMatchObject({ port: 3, host: 'localhost', yjsTokenInUrl: true, limits: { maxDocuments: 6 } })
  expect(config.retention).toEqual({ count: 7, ageMs: 30 * 86_400_000, spacingMs: 3_600_000 })
})

it('[S7] tokens of users are set up by issuer, audience and one key', () => {
  const file = fileWith('a-secret-of-more-than-thirty-two-characters')
  const settings = { host: '0.0.0.0', jwtSecretFile: file, jwtIssuer: 'https://id.example', jwtAudience: 'merrow' }
  expect(readConfig(['--config', fileWith(settings)], {}).jwt).toEqual({
    key: { secret: 'a-secret-of-more-than-thirty-two-characters' },
    issuer: 'https://id.example',
    audience: 'merrow',
  })
  expect(faultsIn(['--jwt-issuer', 'me'])).toEqual([expect.stringContaining('need jwtIssuer, jwtAudience and one of')])
  expect(faultsIn(['--config', fileWith({ ...settings, jwksUrl: 'https://id.example/keys' })])).toHaveLength(2)
})
