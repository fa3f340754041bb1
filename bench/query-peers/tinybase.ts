// TinyBase: a plain store (no CRDT) with indexes and queries. It has no range index, so a range is read from all rows.
import { createStore } from 'tinybase'
import { createIndexes } from 'tinybase/indexes'
import { createQueries } from 'tinybase/queries'
import type { BenchTask, QueryPeer } from '../query-peer.ts'

/** TinyBase. */
export const peer: QueryPeer = {
  name: 'tinybase',
  packages: ['tinybase'],
  async open({ tasks, projects }) {
    const store = createStore()
    store.transaction(() => {
      for (const { id, ...row } of projects) store.setRow('projects', id, row)
      for (const { id, ...row } of tasks) store.setRow('tasks', id, row)
    })
    const indexes = createIndexes(store)
    indexes.setIndexDefinition('byProject', 'tasks', 'projectId')
    const queries = createQueries(store)
    const task = (id: string): BenchTask => ({ id, ...store.getRow('tasks', id) }) as unknown as BenchTask
    let made = 0
    return {
      equal: (projectId) => indexes.getSliceRowIds('byProject', projectId).map(task),
      range(low, high) {
        const found: BenchTask[] = []
        store.forEachRow('tasks', (id) => {
          const priority = store.getCell('tasks', id, 'priority') as number
          if (priority >= low && priority < high) found.push(task(id))
        })
        return found
      },
      top: (count) => store.getSortedRowIds('tasks', 'priority', true, 0, count).map(task),
      updateTask: (id, patch) => {
        store.setPartialRow('tasks', id, patch)
      },
      renameProject: (id, name) => {
        store.setCell('projects', id, 'name', name)
      },
      followTop(count, onRows) {
        let ids = store.getSortedRowIds('tasks', 'priority', true, 0, count)
        const tell = (): void => onRows(ids.map(task))
        const order = store.addSortedRowIdsListener('tasks', 'priority', true, 0, count, (_store, ...given) => {
          ids = given[5] as string[]
          tell()
        })
        const titles = store.addCellListener('tasks', null, 'title', (_store, _table, id) => {
          if (ids.includes(id)) tell()
        })
        tell()
        return () => {
          store.delListener(order)
          store.delListener(titles)
        }
      },
      followProject(projectId, onRows) {
        const name = `project${made++}`
        queries.setQueryDefinition(name, 'tasks', ({ select, where }) => {
          for (const cell of ['title', 'done', 'priority', 'projectId']) select(cell)
          where('projectId', projectId)
        })
        const tell = (): void =>
          onRows(
            queries
              .getResultSortedRowIds(name, 'priority', true)
              .map((id) => ({ id, ...queries.getResultRow(name, id) }) as unknown as BenchTask),
          )
        const listener = queries.addResultTableListener(name, tell)
        tell()
        return () => {
          queries.delListener(listener)
          queries.delQueryDefinition(name)
        }
      },
      followJoin(onChanged) {
        const name = `join${made++}`
        queries.setQueryDefinition(name, 'tasks', ({ select, join }) => {
          select('title')
          select('projects', 'name').as('project')
          join('projects', 'projectId')
        })
        let names: string[] = []
        const row = queries.addResultCellListener(name, null, 'project', (_queries, _table, _id, _cell, value) => {
          names.push(value as string)
        })
        const whole = queries.addResultTableListener(name, () => {
          const changed = names
          names = []
          onChanged(changed)
        })
        return () => {
          for (const listener of [row, whole]) queries.delListener(listener)
          queries.delQueryDefinition(name)
        }
      },
      followCounts(onCounts) {
        const name = `counts${made++}`
        queries.setQueryDefinition(name, 'tasks', ({ select, group }) => {
          select('projectId')
          select('title')
          group('title', 'count').as('tasks')
        })
        const read = (projectId: string): number => {
          for (const id of queries.getResultRowIds(name)) {
            const row = queries.getResultRow(name, id)
            if (row['projectId'] === projectId) return row['tasks'] as number
          }
          return 0
        }
        const listener = queries.addResultTableListener(name, () => onCounts(read))
        onCounts(read)
        return () => {
          queries.delListener(listener)
          queries.delQueryDefinition(name)
        }
      },
    }
  },
}
