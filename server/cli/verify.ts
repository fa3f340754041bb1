// `merrow verify`: reads every record of a data folder.
import { verifyFolder } from '../log/verify.ts'
import { readArguments } from './arguments.ts'
import type { Command } from './command.ts'
import { DATA_USAGE, dataFolder, positionalsOf } from './data-folder.ts'

/** Checks a data folder. */
export const command: Command = {
  usage: `Usage: merrow verify [options]

Works beside a running relay; changes nothing.
${DATA_USAGE}

Exit codes: 0 all can be read, 1 something is damaged.
`,
  async run(args, env) {
    const found = readArguments('verify', args, { values: ['data'] })
    positionalsOf(found)
    const { documents, updates, snapshots, bytes, faults } = await verifyFolder(dataFolder(found, env))
    for (const fault of faults) console.error(`merrow: ${fault}`)
    console.log(
      `${documents} documents, ${updates} updates, ${snapshots} snapshots, ${bytes} B, ${faults.length} faults`,
    )
    return faults.length === 0 ? 0 : 1
  },
}
