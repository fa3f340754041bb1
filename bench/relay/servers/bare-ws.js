// A broadcast in a few lines of `ws`. Given a folder, it has read all files in it before it listens, and sends the file "blob" to whoever asks for something.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { broadcast } from './broadcast.js'

const [folder = ''] = process.argv.slice(2)
const blob = join(folder, 'blob')
for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
  const path = join(folder, name)
  if (path !== blob && statSync(path).isFile()) readFileSync(path)
}

broadcast(async (message, sender, room) => {
  // A sync message that asks (step 1).
  if (message[0] === 0 && message[1] === 0) sender.send(await readFile(blob))
  else for (const member of room) member.send(message)
})
