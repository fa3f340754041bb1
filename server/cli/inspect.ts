// `merrow inspect`: what a data folder holds of one document, without showing what users wrote.
import { openFileLog } from '../log/file-log.ts'
import { updatesOf } from '../room/answer.ts'
import { describeDocument } from '../room/describe.ts'
import { readArguments } from './arguments.ts'
import type { Command } from './command.ts'
import { DATA_USAGE, dataFolder, positionalsOf, timeOf } from './data-folder.ts'

/** Describes a document. */
export const command: Command = {
  usage: `Usage: merrow inspect <document> [options]

Works beside a running relay; changes nothing.
${DATA_USAGE}

Exit codes: 0 described, 1 unknown or unreadable.
`,
  async run(args, env) {
    const found = readArguments('inspect', args, { values: ['data'] })
    const [document = ''] = positionalsOf(found, 'name of a document')
    const log = await openFileLog({ folder: dataFolder(found, env), isReadOnly: true })
    try {
      const content = await log.read(document)
      const { snapshot, entries } = content
      if (snapshot === undefined && entries.length === 0) {
        console.error(`merrow: there is no document "${document}" in this folder.`)
        return 1
      }
      const { bytes, digest, clients, structs, roots, rows } = describeDocument(await updatesOf(content))
      const lines = {
        updates: String(entries.at(-1)?.seq ?? snapshot?.upTo),
        snapshot: snapshot && `up to update ${snapshot.upTo}, ${snapshot.bytes} B, stored ${timeOf(snapshot.takenAt)}`,
        'since then': `${entries.length} updates, ${entries.reduce((sum, { update }) => sum + update.length, 0)} B`,
        state: `${bytes} B, digest ${digest}`,
        contents: `${structs} structs of ${clients} clients, root types: ${roots.join(', ')}`,
        table: rows && `${rows.live} rows, ${rows.deleted} deleted, ${rows.unreadable} elements of no use`,
      }
      for (const [name, value] of Object.entries(lines)) if (value) console.log(`${name.padEnd(12)}${value}`)
      return 0
    } finally {
      await log.close()
    }
  },
}
