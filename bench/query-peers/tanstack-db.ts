// TanStack DB: local-only collections with B+ tree indexes, live query collections shared by their subscribers.
import {
  BTreeIndex,
  count,
  createCollection,
  createLiveQueryCollection,
  eq,
  gte,
  localOnlyCollectionOptions,
  lt,
  queryOnce,
} from '@tanstack/db'
import type { BenchProject, BenchTask, QueryPeer, Stop } from '../query-peer.ts'

interface Live<T> {
  readonly toArray: readonly T[]
  preload(): Promise<void>
  cleanup(): Promise<void>
  subscribeChanges(listener: (changes: readonly { readonly value: T }[]) => void): { unsubscribe(): void }
}

/** TanStack DB. */
export const peer: QueryPeer = {
  name: 'tanstack-db',
  packages: ['@tanstack/db'],
  async open(data) {
    const own = { getKey: ({ id }: { readonly id: string }) => id, defaultIndexType: BTreeIndex }
    const projects = createCollection<BenchProject, string>(
      localOnlyCollectionOptions({ id: 'projects', initialData: [...data.projects], ...own }) as never,
    )
    const tasks = createCollection<BenchTask, string>(
      localOnlyCollectionOptions({ id: 'tasks', initialData: [...data.tasks], ...own }) as never,
    )
    await Promise.all([projects.preload(), tasks.preload()])
    tasks.createIndex((row) => row.projectId, { indexType: BTreeIndex })
    tasks.createIndex((row) => row.priority, { indexType: BTreeIndex })
    projects.createIndex((row) => row.id, { indexType: BTreeIndex })

    const shared = new Map<string, Live<unknown>>()
    const liveTop = (limit: number) =>
      createLiveQueryCollection((q) =>
        q
          .from({ task: tasks })
          .orderBy(({ task }) => task.priority, 'desc')
          .limit(limit),
      ) as unknown as Live<BenchTask>
    const follow = async <T>(
      name: string,
      create: () => Live<T>,
      tell: (live: Live<T>, changes: readonly { readonly value: T }[]) => void,
    ): Promise<Stop> => {
      const live = (shared.get(name) ?? create()) as Live<T>
      shared.set(name, live as Live<unknown>)
      await live.preload()
      tell(live, [])
      const subscription = live.subscribeChanges((changes) => tell(live, changes))
      return () => {
        subscription.unsubscribe()
        if (shared.delete(name)) void live.cleanup()
      }
    }
    return {
      equal: (projectId) =>
        queryOnce((q) => q.from({ task: tasks }).where(({ task }) => eq(task.projectId, projectId))),
      range: (low, high) =>
        queryOnce((q) =>
          q
            .from({ task: tasks })
            .where(({ task }) => gte(task.priority, low))
            .where(({ task }) => lt(task.priority, high)),
        ),
      top: (limit) =>
        queryOnce((q) =>
          q
            .from({ task: tasks })
            .orderBy(({ task }) => task.priority, 'desc')
            .limit(limit),
        ),
      updateTask: (id, patch) => {
        tasks.update(id, (draft) => {
          Object.assign(draft, patch)
        })
      },
      renameProject: (id, name) => {
        projects.update(id, (draft) => {
          Object.assign(draft, { name })
        })
      },
      followTop: (limit, onRows) =>
        follow(
          'top',
          () => liveTop(limit),
          (live) => onRows(live.toArray),
        ),
      followProject: (projectId, onRows) =>
        follow(
          projectId,
          () =>
            createLiveQueryCollection((q) =>
              q
                .from({ task: tasks })
                .where(({ task }) => eq(task.projectId, projectId))
                .orderBy(({ task }) => task.priority, 'desc'),
            ) as unknown as Live<BenchTask>,
          (live) => onRows(live.toArray),
        ),
      followJoin: (onChanged) =>
        follow(
          'join',
          () =>
            createLiveQueryCollection((q) =>
              q
                .from({ task: tasks })
                .join({ project: projects }, ({ task, project }) => eq(task.projectId, project.id), 'left')
                .select(({ task, project }) => ({ id: task.id, title: task.title, name: project?.name })),
            ) as unknown as Live<{ readonly name: string }>,
          (_live, changes) => onChanged(changes.map(({ value }) => value.name)),
        ),
      followCounts: (onCounts) =>
        follow(
          'counts',
          () =>
            createLiveQueryCollection((q) =>
              q
                .from({ task: tasks })
                .groupBy(({ task }) => task.projectId)
                .select(({ task }) => ({ projectId: task.projectId, tasks: count(task.id) })),
            ) as unknown as Live<{ readonly projectId: string; readonly tasks: number }>,
          (live) => onCounts((projectId) => live.toArray.find((row) => row.projectId === projectId)?.tasks ?? 0),
        ),
    }
  },
}
