// Opens the demo's database: stored in this browser, kept in step by the relay that served the page. Knows no React.
import { createDatabase } from '../src/index.ts'
import { yIndexedDb } from '../src/storage/browser.ts'
import { relay } from '../src/sync/index.ts'
import { schema, type TasksDatabase } from './schema.ts'

const DEFAULT_NAME = 'demo'

/** Name of the database that this page shows: `?db=acme` names another. */
export const databaseName = (): string => new URLSearchParams(location.search).get('db') || DEFAULT_NAME

/**
 * Opens the database that the page's address names.
 *
 * @param user - Who writes here; rows show it as `updatedBy`.
 * @throws {@link MerrowError} as `createDatabase`.
 */
export const openTasks = (user: string): Promise<TasksDatabase> =>
  createDatabase({
    name: databaseName(),
    schema,
    user,
    storage: yIndexedDb(),
    sync: relay({ url: location.origin }),
  })
