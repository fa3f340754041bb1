// The module of a bridge, for tests: where the service is stands in the environment, once it is loaded. So tests do not import it.
import { type BridgeConfig, restTable } from '../../../src/backend/index.ts'
import { schema } from './bridge-schema.ts'

/** How the service lists what has changed. */
export const listChanges = { kind: 'cursor', param: 'after', read: (answer: unknown) => answer as never } as const

const url = process.env['SERVICE_URL'] ?? 'http://127.0.0.1:9'

export default {
  schema,
  db: 'acme',
  backends: {
    service: {
      tables: {
        projects: restTable({ url: `${url}/projects`, listChanges, versionField: 'version' }),
        tasks: restTable({
          url: `${url}/tasks`,
          fields: { projectId: 'project_id' },
          listChanges,
          versionField: 'version',
        }),
      },
      tokenVariable: 'SERVICE_TOKEN',
      pollMs: 200,
      freshMs: 1000,
    },
  },
} satisfies BridgeConfig<typeof schema>
