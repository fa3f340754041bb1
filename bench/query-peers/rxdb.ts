// RxDB with its memory storage: indexed fields, and observable queries. It has no live joins and groups.
import { addRxPlugin, createRxDatabase, type RxCollection } from 'rxdb'
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory'
import { RxDBUpdatePlugin } from 'rxdb/plugins/update'
import type { BenchProject, BenchTask, QueryPeer, Stop } from '../query-peer.ts'

addRxPlugin(RxDBUpdatePlugin)

const text = { type: 'string', maxLength: 64 } as const

/** RxDB. */
export const peer: QueryPeer = {
  name: 'rxdb',
  packages: ['rxdb'],
  async open(data) {
    const db = await createRxDatabase({ name: 'bench', storage: getRxStorageMemory(), multiInstance: false })
    const { tasks, projects } = (await db.addCollections({
      tasks: {
        schema: {
          version: 0,
          primaryKey: 'id',
          type: 'object',
          properties: {
            id: text,
            title: text,
            done: { type: 'boolean' },
            priority: { type: 'number', minimum: 0, maximum: 1_000_000, multipleOf: 1 },
            projectId: text,
          },
          required: ['id', 'title', 'done', 'priority', 'projectId'],
          indexes: ['projectId', 'priority'],
        },
      },
      projects: {
        schema: { version: 0, primaryKey: 'id', type: 'object', properties: { id: text, name: text } },
      },
    })) as unknown as { tasks: RxCollection<BenchTask>; projects: RxCollection<BenchProject> }
    await tasks.bulkInsert(data.tasks.map((row) => ({ ...row })))
    await projects.bulkInsert(data.projects.map((row) => ({ ...row })))
    const follow = (query: object, onRows: (rows: readonly BenchTask[]) => void): Promise<Stop> =>
      new Promise((resolve) => {
        const subscription = tasks.find(query).$.subscribe((rows) => {
          onRows(rows)
          resolve(() => subscription.unsubscribe())
        })
      })
    return {
      equal: (projectId) => tasks.find({ selector: { projectId } }).exec(),
      range: (low, high) => tasks.find({ selector: { priority: { $gte: low, $lt: high } } }).exec(),
      top: (limit) => tasks.find({ sort: [{ priority: 'desc' }], limit }).exec(),
      updateTask: async (id, patch) => {
        await (await tasks.findOne(id).exec())?.incrementalPatch(patch)
      },
      renameProject: async (id, name) => {
        await (await projects.findOne(id).exec())?.incrementalPatch({ name })
      },
      followTop: (limit, onRows) => follow({ sort: [{ priority: 'desc' }], limit }, onRows),
      followProject: (projectId, onRows) => follow({ selector: { projectId }, sort: [{ priority: 'desc' }] }, onRows),
    }
  },
}
