// SignalDB: collections with field indexes, and cursors that observe. It has no live joins and groups.
import { Collection, createIndex } from '@signaldb/core'
import type { BenchProject, BenchTask, QueryPeer, Stop } from '../query-peer.ts'

/** SignalDB. */
export const peer: QueryPeer = {
  name: 'signaldb',
  packages: ['@signaldb/core'],
  async open(data) {
    const tasks = new Collection<BenchTask, string>({ indices: [createIndex('projectId'), createIndex('priority')] })
    const projects = new Collection<BenchProject, string>()
    tasks.batch(() => {
      for (const row of data.tasks) tasks.insert({ ...row })
    })
    projects.batch(() => {
      for (const row of data.projects) projects.insert({ ...row })
    })
    const plain = { reactive: false } as const
    const follow = (
      selector: object,
      limit: number | undefined,
      onRows: (rows: readonly BenchTask[]) => void,
    ): Stop => {
      const options = { sort: { priority: -1 as const }, ...(limit === undefined ? {} : { limit }), ...plain }
      const cursor = tasks.find(selector, options)
      const tell = (): void => onRows(tasks.find(selector, options).fetch())
      const stop = cursor.observeChanges({ added: tell, changed: tell, removed: tell }, true)
      tell()
      return stop
    }
    return {
      equal: (projectId) => tasks.find({ projectId }, plain).fetch(),
      range: (low, high) => tasks.find({ priority: { $gte: low, $lt: high } }, plain).fetch(),
      top: (limit) => tasks.find({}, { sort: { priority: -1 }, limit, ...plain }).fetch(),
      updateTask: (id, patch) => {
        tasks.updateOne({ id }, { $set: patch })
      },
      renameProject: (id, name) => {
        projects.updateOne({ id }, { $set: { name } })
      },
      followTop: (limit, onRows) => follow({}, limit, onRows),
      followProject: (projectId, onRows) => follow({ projectId }, undefined, onRows),
    }
  },
}
