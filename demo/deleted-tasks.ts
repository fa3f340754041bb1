// The soft-deleted tasks, newest first. Knows the database, no React.
import type { TasksDatabase } from './schema.ts'

const MAX_SHOWN = 100

/** The query for a database's soft-deleted tasks. */
export const queryDeletedTasks = (db: TasksDatabase) =>
  db.tasks.where({}).onlyDeleted().orderBy('deletedAt', 'desc').limit(MAX_SHOWN)
