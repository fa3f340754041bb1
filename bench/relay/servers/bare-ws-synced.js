// The same broadcast in a few lines of `ws`, but what comes is in a file and synced before anyone is sent it; what comes meanwhile is synced together.
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { broadcast } from './broadcast.js'

const [folder = ''] = process.argv.slice(2)
const file = await open(join(folder, 'messages'), 'w')

/** @type {{ room: ReadonlySet<import('ws').WebSocket>, message: Buffer }[]} */
let waiting = []
let isSyncing = false

const syncAll = async () => {
  isSyncing = true
  while (waiting.length > 0) {
    const synced = waiting
    waiting = []
    await file.write(Buffer.concat(synced.map(({ message }) => message)))
    await file.datasync()
    for (const { room, message } of synced) for (const member of room) member.send(message)
  }
  isSyncing = false
}

broadcast((message, _sender, room) => {
  waiting.push({ room, message })
  if (!isSyncing) void syncAll()
})
