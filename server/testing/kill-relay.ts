// A relay that is started to be killed: on a free port, with small bounds, so that snapshots and filing happen all the time.
import { openFileLog } from '../log/file-log.ts'
import { createRelay } from '../relay.ts'

const folder = process.argv[2] ?? ''
const log = await openFileLog({ folder, journalBytes: 32 * 1024 })
const { url } = await createRelay({ port: 0, log, snapshotAfterUpdates: 40, logger: (_, text) => console.error(text) })
console.log(url)
