// The module of the bridges that are killed.
import type { BridgeConfig } from '../../../src/backend/index.ts'
import { PACE, schema, tablesOf } from './tables.ts'

export default {
  schema,
  db: 'acme',
  backends: { service: { tables: tablesOf(process.env['SERVICE_URL'] ?? '', 'acme'), ...PACE } },
} satisfies BridgeConfig<typeof schema>
