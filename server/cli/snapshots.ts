// `merrow snapshots`: the snapshots that are kept of a document, to restore one of them.
import { openFileLog } from '../log/file-log.ts'
import { readArguments } from './arguments.ts'
import type { Command } from './command.ts'
import { DATA_USAGE, dataFolder, positionalsOf, timeOf } from './data-folder.ts'

/** Lists snapshots. */
export const command: Command = {
  usage: `Usage: merrow snapshots [document] [options]

Without a document it lists the documents. Works beside a running relay; changes nothing.
${DATA_USAGE}
`,
  async run(args, env) {
    const found = readArguments('snapshots', args, { values: ['data'] })
    const [document] = positionalsOf(found, ...found.positionals.slice(0, 1))
    const log = await openFileLog({ folder: dataFolder(found, env), isReadOnly: true })
    try {
      if (document === undefined)
        for (const name of await log.documents()) {
          // The relay's own notes begin so; no document does.
          if (!name.startsWith('#')) console.log(name)
        }
      else
        for (const { upTo, takenAt, bytes } of await log.snapshots(document))
          console.log(`${String(upTo).padStart(12)}  ${timeOf(takenAt)}  ${bytes} B`)
      return 0
    } finally {
      await log.close()
    }
  },
}
