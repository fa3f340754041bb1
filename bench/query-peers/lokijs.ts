// LokiJS: binary indexes, and dynamic views that are read again after each change. It has no live joins and groups.
import Loki from 'lokijs'
import type { BenchTask, QueryPeer, Stop } from '../query-peer.ts'

/** LokiJS. */
export const peer: QueryPeer = {
  name: 'lokijs',
  packages: ['lokijs'],
  async open(data) {
    const loki = new Loki('bench')
    const tasks = loki.addCollection<BenchTask>('tasks', {
      indices: ['projectId', 'priority'],
      unique: ['id'],
      adaptiveBinaryIndices: true,
    })
    const projects = loki.addCollection<{ id: string; name: string }>('projects', { unique: ['id'] })
    tasks.insert(data.tasks.map((row) => ({ ...row })))
    projects.insert(data.projects.map((row) => ({ ...row })))
    let made = 0
    const follow = (find: object, limit: number | undefined, onRows: (rows: readonly BenchTask[]) => void): Stop => {
      const view = tasks.addDynamicView(`view${made++}`)
      view.applyFind(find as never)
      view.applySimpleSort('priority', { desc: true })
      const read = (): readonly BenchTask[] => {
        if (limit === undefined) return view.data()
        // The view sorts when it is asked; a branch of it does not.
        view.performSortPhase()
        return view.branchResultset().limit(limit).data()
      }
      const tell = (): void => onRows(read())
      tasks.on('update', tell)
      tell()
      return () => {
        tasks.removeListener('update', tell)
        tasks.removeDynamicView(view.name)
      }
    }
    return {
      equal: (projectId) => tasks.find({ projectId }),
      range: (low, high) => tasks.find({ priority: { $between: [low, high - 1] } } as never),
      top: (count) => tasks.chain().simplesort('priority', { desc: true }).limit(count).data(),
      updateTask: (id, patch) => {
        tasks.update(Object.assign(tasks.by('id', id) as object, patch) as BenchTask & LokiObj)
      },
      renameProject: (id, name) => {
        projects.update(Object.assign(projects.by('id', id) as object, { name }) as never)
      },
      followTop: (count, onRows) => follow({}, count, onRows),
      followProject: (projectId, onRows) => follow({ projectId }, undefined, onRows),
    }
  },
}
