// The tables of the kills, for the tab, the bridges and the service: one database that bridges send, one that the tab sends itself.
import { type RestTableOptions, restTable } from '../../../src/backend/index.ts'
import { column as c, defineSchema, table } from '../../../src/index.ts'

/** What both databases hold. `mark` is drawn once for each insert, and never changes: two records with one mark are one too many. */
export const schema = defineSchema({
  projects: table({ mark: c.string(), name: c.string() }),
  tasks: table({
    mark: c.string(),
    title: c.string(),
    done: c.boolean().default(false),
    projectId: c.ref('projects').optional(),
  }),
})

/** Refused by the service. */
export const POISON = 'poison'

/** Names of the service's collections are those of the tables after the database's name. */
export const DATABASES = ['acme', 'own'] as const

/** The service's columns. */
export const COLLECTIONS = Object.fromEntries(
  DATABASES.flatMap((name) => [
    [`${name}_projects`, { mark: 'text not null', name: 'text not null' }],
    [
      `${name}_tasks`,
      {
        mark: 'text not null',
        title: `text not null check (title <> '${POISON}')`,
        done: 'boolean not null',
        project_id: `bigint references ${name}_projects`,
      },
    ],
  ]),
)

const listChanges: RestTableOptions['listChanges'] = {
  kind: 'cursor',
  param: 'after',
  read: (answer: unknown) => {
    const { records, deleted, cursor, more } = answer as never
    return { records, deleted, cursor, more }
  },
}

/** The mapping of a database's tables. */
export const tablesOf = (url: string, name: (typeof DATABASES)[number]) => ({
  projects: restTable({ url: `${url}/${name}_projects`, listChanges, versionField: 'version' }),
  tasks: restTable({
    url: `${url}/${name}_tasks`,
    fields: { projectId: 'project_id' },
    listChanges,
    versionField: 'version',
  }),
})

/** Options that suit services which come and go. */
export const PACE = { pollMs: 500, freshMs: 2000, maxTries: 1000, timeoutMs: 3000 } as const
