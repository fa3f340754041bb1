// The soft-deleted tasks, newest first, live. Knows the database, no React.
import type { Task, TasksDatabase } from './schema.ts'

/** A live list, for `useLive`. */
export interface DeletedTasks {
  read(): readonly Task[]
  subscribe(listener: () => void): () => void
}

const MAX_SHOWN = 100

/** Watches a database's tasks for soft deletes, for as long as somebody subscribes. */
export const watchDeletedTasks = (db: TasksDatabase): DeletedTasks => {
  let tasks = listDeleted(db)
  return {
    read: () => tasks,
    subscribe: (listener) =>
      db.tasks.subscribe(({ added, removed }) => {
        if (added.length + removed.length === 0) return
        tasks = listDeleted(db)
        listener()
      }),
  }
}

const listDeleted = (db: TasksDatabase): readonly Task[] =>
  db.tasks
    .all({ withDeleted: true })
    .filter(({ deletedAt }) => deletedAt !== undefined)
    .sort((a, b) => (b.deletedAt ?? 0) - (a.deletedAt ?? 0))
    .slice(0, MAX_SHOWN)
