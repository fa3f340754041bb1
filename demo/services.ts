// What people do with tasks and projects, as plain functions over the database. Knows tables; no React, no page.
import { COLORS, type TasksDatabase } from './schema.ts'

/** What {@link deleteProject} did, for {@link restoreProject} to take back. */
export interface DeletedProject {
  readonly projectId: string
  /** Tasks that belonged to it. */
  readonly taskIds: readonly string[]
}

const DAY_MS = 24 * 60 * 60 * 1000

/** Adds a task, to a project if one is given. @returns Its id; undefined for a blank title, which adds nothing. */
export const addTask = (db: TasksDatabase, title: string, projectId?: string): string | undefined => {
  const trimmed = title.trim()
  return trimmed === '' ? undefined : db.tasks.insert({ title: trimmed, projectId })
}

/** Soft-deletes every task that is done. @returns Their ids, for {@link restoreTasks}. */
export const deleteDoneTasks = (db: TasksDatabase): readonly string[] =>
  db.transact(() => {
    const ids = db.tasks
      .where({ done: true })
      .all()
      .map(({ id }) => id)
    for (const id of ids) db.tasks.delete(id)
    return ids
  })

/** Brings soft-deleted tasks back. */
export const restoreTasks = (db: TasksDatabase, ids: readonly string[]): void =>
  db.transact(() => {
    for (const id of ids) db.tasks.restore(id)
  })

/** Adds a project in a colour that the others use least. @returns Its id; undefined for a blank name, which adds nothing. */
export const addProject = (db: TasksDatabase, name: string): string | undefined => {
  const trimmed = name.trim()
  if (trimmed === '') return undefined
  const uses = (color: string) => db.projects.all().filter((project) => project.color === color).length
  const [color] = [...COLORS].sort((a, b) => uses(a) - uses(b))
  return db.projects.insert({ name: trimmed, color: color ?? 'teal' })
}

/** Soft-deletes a project and detaches its tasks, over both tables as one. */
export const deleteProject = (db: TasksDatabase, projectId: string): DeletedProject =>
  db.transact(() => {
    const taskIds = db.tasks
      .where({ projectId })
      .all()
      .map(({ id }) => id)
    for (const id of taskIds) db.tasks.update(id, { projectId: undefined })
    db.projects.delete(projectId)
    return { projectId, taskIds }
  })

/** Brings a project back with those of its tasks that nobody has put elsewhere since. */
export const restoreProject = (db: TasksDatabase, { projectId, taskIds }: DeletedProject): void =>
  db.transact(() => {
    db.projects.restore(projectId)
    for (const id of taskIds) if (db.tasks.get(id)?.projectId === undefined) db.tasks.update(id, { projectId })
  })

/** Adds a project with a few tasks, to try things on. */
export const addExamples = (db: TasksDatabase): void =>
  db.transact(() => {
    const projectId = db.projects.insert({ name: 'Harbour fair', color: 'teal' })
    const inDays = (days: number) => new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS + days * DAY_MS)
    db.tasks.insertMany([
      { title: 'Go offline, edit this, come back', note: 'Nothing is lost on the way', priority: 'low' },
      { title: 'Open this page in a second window', priority: 'high', dueAt: inDays(0) },
      { title: 'Paint the sign for the fish stall', projectId, dueAt: inDays(3) },
      { title: 'Ask the band for their set list', note: 'They like to start late', projectId },
      { title: 'Book the ferry', done: true, priority: 'high', projectId },
    ])
  })
