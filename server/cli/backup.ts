// `merrow backup`: copies the data folder of a relay, which may be running, and proves that the copy can be read.
import { backupFolder } from '../log/backup.ts'
import { verifyFolder } from '../log/verify.ts'
import { readArguments } from './arguments.ts'
import type { Command } from './command.ts'
import { DATA_USAGE, dataFolder, positionalsOf } from './data-folder.ts'

/** Makes a backup. */
export const command: Command = {
  usage: `Usage: merrow backup <folder> [options]

Copies into a new folder and reads the copy. It holds at least everything that was acknowledged when the command began. To
restore it, stop the relay, copy the folder back whole, and start the relay on it.
${DATA_USAGE}

Exit codes: 0 written and read, 1 failed or damaged.
`,
  async run(args, env) {
    const found = readArguments('backup', args, { values: ['data'] })
    const [target = ''] = positionalsOf(found, 'folder to write to')
    const { files, bytes } = await backupFolder(dataFolder(found, env), target)
    const { documents, faults } = await verifyFolder(target)
    for (const fault of faults) console.error(`merrow: ${fault}`)
    console.log(`${files} files, ${bytes} B, ${documents} documents in ${target}`)
    return faults.length === 0 ? 0 : 1
  },
}
