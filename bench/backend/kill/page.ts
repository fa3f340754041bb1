// The tab to kill: writes to two databases and says what is saved. One is sent by bridges, the other by the tab itself.
import { type Backend, connectBackend } from '../../../src/backend/index.ts'
import { createDatabase, type Database } from '../../../src/index.ts'
import { yIndexedDb } from '../../../src/storage/browser.ts'
import { relay } from '../../../src/sync/index.ts'
import { PACE, POISON, schema, tablesOf } from './tables.ts'

type Db = Database<typeof schema>

const params = new URLSearchParams(location.search)
const [service, relayUrl, round] = ['service', 'relay', 'round'].map((name) => params.get(name) ?? '') as [
  string,
  string,
  string,
]
const WRITE_EVERY_MS = 30

/** Tells the one who kills that rows are saved. */
const say = (path: string, body: unknown): Promise<unknown> =>
  fetch(`/${path}`, { method: 'POST', body: JSON.stringify(body) })

const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(Math.random() * items.length)]

let isWriting = true
let count = 0

/** One write or a few that belong together. @returns marks of the rows that are new. */
const write = (db: Db): string[] => {
  const mark = `${db.name}-${round}-${++count}`
  const [chance, task] = [Math.random(), pick(db.tasks.all())]
  if (task !== undefined && chance < 0.3) db.tasks.update(task.id, { title: `edited ${count}`, done: !task.done })
  else if (task !== undefined && chance < 0.4) db.tasks.delete(task.id)
  else if (chance < 0.42) return [db.tasks.insert({ mark, title: POISON })].map(() => mark)
  else {
    const projectId =
      chance < 0.6 ? db.projects.insert({ mark: `${mark}-p`, name: `project ${count}` }) : pick(db.projects.all())?.id
    db.tasks.insert({ mark, title: `task ${count}`, ...(projectId === undefined ? {} : { projectId }) })
    return chance < 0.6 ? [mark, `${mark}-p`] : [mark]
  }
  return []
}

const rowsOf = (db: Db) => ({
  projects: db.projects.all().map(({ id, mark, name }) => ({ remote: db.ids.remote('projects', id), mark, name })),
  tasks: db.tasks.all().map(({ id, mark, title, done, projectId }) => ({
    ...{ remote: db.ids.remote('tasks', id), mark, title, done },
    project: projectId === undefined ? null : (db.ids.remote('projects', projectId) ?? null),
  })),
})

const main = async (): Promise<void> => {
  const storage = yIndexedDb()
  const acme = await createDatabase({ name: 'acme', schema, storage, sync: relay({ url: relayUrl }) })
  const own = await createDatabase({ name: 'own', schema, storage })
  await connectBackend(acme, tablesOf(service, 'acme'), { name: 'service', sender: 'bridge' })
  const backend: Backend = await connectBackend(own, tablesOf(service, 'own'), { name: 'service', ...PACE })
  Object.assign(window, {
    look: () => ({
      acme: rowsOf(acme),
      own: rowsOf(own),
      unsent: acme.status.unsent,
      outbox: backend.outbox.list().map(({ table, row, kind, state, failure }) => ({
        ...{ table, row, kind, state, reason: failure?.answer ?? failure?.message },
        mark: own.table(table as 'tasks').get(row, { withDeleted: true })?.mark,
      })),
    }),
    stopWriting: () => {
      isWriting = false
      backend.resume()
    },
  })
  await say('ready', {})
  while (isWriting) {
    const db = count % 2 === 0 ? acme : own
    const marks = write(db)
    await db.saved()
    if (marks.length > 0) await say('saved', marks)
    await new Promise((resolve) => setTimeout(resolve, WRITE_EVERY_MS))
  }
}

main().catch((error: unknown) => say('failed', String(error)))
