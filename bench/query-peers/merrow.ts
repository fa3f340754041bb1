// Merrow's queries through its public names.
import { loadMerrow } from '../build.ts'
import type { BenchTask, QueryPeer } from '../query-peer.ts'

const { column: c, createDatabase, defineSchema, table } = await loadMerrow()

const schema = defineSchema({
  projects: table({ name: c.string() }),
  tasks: table({ title: c.string(), done: c.boolean(), priority: c.number(), projectId: c.ref('projects') })
    .index('projectId')
    .index('priority'),
})

/** Merrow itself. */
export const peer: QueryPeer = {
  name: 'merrow',
  packages: ['yjs', 'sorted-btree'],
  async open({ tasks, projects }) {
    const db = await createDatabase({ name: 'bench', schema })
    db.projects.insertMany(projects)
    db.tasks.insertMany(tasks)
    await db.saved()
    // Makes the rows, so that the first query's time is that of building its index.
    db.tasks.all()
    return {
      equal: (projectId) => db.tasks.where({ projectId }).all(),
      range: (gte, lt) => db.tasks.where({ priority: { gte, lt } }).all(),
      top: (count) => db.tasks.orderBy('priority', 'desc').limit(count).all(),
      settle: () => db.saved(),
      updateTask: (id, patch) => db.tasks.update(id, patch),
      renameProject: (id, name) => db.projects.update(id, { name }),
      followTop: (count, onRows) =>
        db.tasks
          .orderBy('priority', 'desc')
          .limit(count)
          .subscribe(({ rows }) => onRows(rows)),
      followProject: (projectId, onRows) =>
        db.tasks
          .where({ projectId })
          .orderBy('priority', 'desc')
          .subscribe(({ rows }) => onRows(rows as readonly BenchTask[])),
      followJoin: (onChanged) =>
        db.tasks
          .where({})
          .include({ project: true })
          .subscribe(({ changed }) => onChanged(changed.map(({ project }) => project?.name ?? ''))),
      followCounts: (onCounts) =>
        db.tasks
          .groupBy(['projectId'], { tasks: { count: true } })
          .subscribe((change) =>
            onCounts((projectId) => change.rows.find((row) => row.projectId === projectId)?.tasks ?? 0),
          ),
    }
  },
}
