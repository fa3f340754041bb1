// Puts the relay command, with the packages that it loads at once, into a few files: a relay that starts again loads four instead of a hundred and
// thirty. `merrow/server` stays as it is compiled, so that a program which has Yjs or Merrow already gets no second one. Knows the compiled files.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vite'

const dist = fileURLToPath(new URL('dist', import.meta.url))
const commands = join(dist, 'server/cli')

/** Files beside a module are found from where it was. */
const modulesStayWhereTheyWere: Plugin = {
  name: 'modules-stay-where-they-were',
  transform: (code, id) =>
    id.startsWith(dist)
      ? code.replaceAll('import.meta.url', `new URL(${JSON.stringify(relative(commands, id))}, import.meta.url).href`)
      : undefined,
}

/** What is put in beside Merrow's own, with its licence. */
const licences: Plugin = {
  name: 'licences',
  writeBundle(_, bundle) {
    const modules = Object.values(bundle).flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []))
    const packages = new Set(modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []))
    const texts = [...packages].sort().map((folder) => {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, string>
      const licence = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file))
      if (licence === undefined)
        throw new Error(`${name} has no licence file: it cannot be put into the relay command.`)
      return `${name} ${version}\n\n${readFileSync(join(folder, licence), 'utf8').trim()}\n`
    })
    writeFileSync(join(commands, 'relay-licences.txt'), texts.join('\n---\n\n'))
  },
}

export default defineConfig({
  plugins: [modulesStayWhereTheyWere, licences],
  ssr: { noExternal: ['ws', 'yjs', 'lib0'] },
  build: {
    ssr: join(commands, 'relay.js'),
    outDir: commands,
    emptyOutDir: false,
    minify: false,
    rolldownOptions: {
      // Errors are told apart by their class, also by what has loaded this command.
      external: [join(dist, 'src/errors.js')],
      output: { entryFileNames: 'relay.js', chunkFileNames: 'relay-[name].js' },
    },
  },
})
