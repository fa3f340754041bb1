// The image as far as it goes without an engine: its files are there, its commands run in a clean folder, its check tells.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { testFolder } from '../testing/folder.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8')
const lines = read('./Dockerfile')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
const stages = [
  lines.slice(0, lines.lastIndexOf('FROM node:22-slim')),
  lines.slice(lines.lastIndexOf('FROM node:22-slim')),
]
const wordsOf = (stage: number, instruction: string): string[][] =>
  (stages[stage] ?? []).filter((line) => line.startsWith(`${instruction} `)).map((line) => line.split(' ').slice(1))

it('[O22] what the image copies is there, and let through', () => {
  const allowed = read('./Dockerfile.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1))
  const copied = wordsOf(0, 'COPY').flatMap((words) => words.slice(0, -1))
  expect(copied.length).toBeGreaterThan(5)
  for (const path of copied)
    expect([path, existsSync(join(root, path)), allowed.includes(path)]).toEqual([path, true, true])
})

it('[O22] nobody runs it as root, and its volume is where its data is', () => {
  const last = (stages[1] ?? []).map((line) => line.split(' ')[0])
  expect(wordsOf(1, 'USER')).toEqual([['node']])
  expect(last.indexOf('USER')).toBeLessThan(last.indexOf('ENTRYPOINT'))
  expect(wordsOf(1, 'ENV')[0]).toContain(`MERROW_DATA=${wordsOf(1, 'VOLUME')[0]?.[0]}`)
  expect(read('./compose.yaml')).toContain(`- data:${wordsOf(1, 'VOLUME')[0]?.[0]}`)
})

/** Notes every module that a program loads in a file. */
const watchLoading = (file: string): string => {
  const hooks = `import { appendFileSync } from 'node:fs'
    export const load = (url, context, next) => {
      if (url.startsWith('file:')) appendFileSync(${JSON.stringify(file)}, url + '\\n')
      return next(url, context)
    }`
  const register = `import { register } from 'node:module'
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}))`
  return `data:text/javascript,${encodeURIComponent(register)}`
}

it('[O23] [O24] its commands build a relay in a clean folder, which starts by five files, is healthy and ends', async () => {
  const build = testFolder()
  for (const words of wordsOf(0, 'COPY'))
    for (const path of words.slice(0, -1))
      cpSync(join(root, path), join(build, path), {
        recursive: true,
        filter: (from) => !/(\.test\.ts|demo\/dist)$/.test(from),
      })
  // In place of npm ci, which CI runs by itself.
  symlinkSync(join(root, 'node_modules'), join(build, 'node_modules'))
  const { PATH = '' } = process.env
  const commands = wordsOf(0, 'RUN').map((words) => words.join(' '))
  const [building = ''] = commands.filter((command) => command.includes('build'))
  execFileSync('sh', ['-c', building], { cwd: build, env: { PATH }, stdio: 'pipe' })

  const image = testFolder()
  for (const [, path = ''] of wordsOf(1, 'COPY')) {
    const name = path.replace('/app/', '')
    if (name === 'node_modules') symlinkSync(join(root, name), join(image, name))
    else cpSync(join(build, name), join(image, name), { recursive: true })
  }
  const data = join(image, 'data')
  mkdirSync(data)
  const [entry = [], command = []] = ['ENTRYPOINT', 'CMD'].map((name) =>
    JSON.parse(wordsOf(1, name)[0]?.join(' ') ?? ''),
  )
  const [program = '', ...args] = [...entry, ...command]
  const env = { PATH, MERROW_HOST: '0.0.0.0', MERROW_DATA: data, MERROW_TOKEN: 'a-token-of-many-characters' }
  const loaded = join(image, 'loaded')
  const watched = ['--import', watchLoading(loaded), ...args, '--port', '0']
  const relay = spawn(program, watched, { cwd: image, env, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void relay.kill('SIGKILL'))
  const ended = once(relay, 'exit')
  const [said] = await Promise.race([once(relay.stdout, 'data'), once(relay.stderr, 'data')])
  const port = /:(\d+) \(data/.exec(String(said))?.[1] ?? String(said)
  const files = readFileSync(loaded, 'utf8').trim().split('\n')
  expect(files.map((url) => url.slice(url.lastIndexOf('/dist/'))).sort()).toEqual([
    '/dist/server/cli/relay.js',
    '/dist/server/cli/report-error.js',
    '/dist/server/main.js',
    '/dist/server/version.js',
    '/dist/src/errors.js',
  ])
  expect(readFileSync(join(image, 'dist/server/cli/relay-licences.txt'), 'utf8').match(/^(lib0|ws|yjs) /gm)).toEqual([
    'lib0 ',
    'ws ',
    'yjs ',
  ])
  const line = lines.find((text) => text.startsWith('HEALTHCHECK')) ?? ''
  const [check = '', ...checkArgs] = JSON.parse(line.slice(line.indexOf('CMD') + 4)) as string[]
  const checked = (at: string) => once(spawn(check, checkArgs, { env: { PATH, MERROW_PORT: at } }), 'exit')
  expect([(await checked(port))[0], (await checked('1'))[0]]).toEqual([0, 1])
  relay.kill('SIGTERM')
  expect((await ended)[0]).toBe(0)
})
