// What part of the tasks is shown, and in which order. Pure; knows tasks, no React.
import type { Task, TasksDatabase } from './schema.ts'

export const ORDERS = ['newest', 'oldest', 'priority', 'due'] as const
export type Order = (typeof ORDERS)[number]

/** A choice of tasks; `undefined` leaves that column open. */
export interface TaskView {
  readonly done: boolean | undefined
  readonly projectId: string | undefined
  readonly order: Order
}

/** The query for a view's tasks, in no order yet: what `priority` means is known here, not to the database. */
export const queryTasks = (db: TasksDatabase, { done, projectId }: Omit<TaskView, 'order'>) =>
  db.tasks.where({
    ...(done === undefined ? {} : { done }),
    ...(projectId === undefined ? {} : { projectId }),
  })

/** The tasks in a view's order; those that it leaves equal, newest first. */
export const sortTasks = (tasks: readonly Task[], order: Order): readonly Task[] =>
  [...tasks].sort((a, b) => COMPARE[order](a, b) || newestFirst(a, b))

type Compare = (a: Task, b: Task) => number

const RANK = { high: 0, normal: 1, low: 2 }
const NEVER = Number.POSITIVE_INFINITY

/** Ids are UUIDv7, so they order what one millisecond brought. */
const newestFirst: Compare = (a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1)

const byDueDate: Compare = (a, b) => {
  const [left, right] = [a.dueAt?.getTime() ?? NEVER, b.dueAt?.getTime() ?? NEVER]
  return left === right ? 0 : left - right
}

const COMPARE: Readonly<Record<Order, Compare>> = {
  newest: newestFirst,
  oldest: (a, b) => newestFirst(b, a),
  priority: (a, b) => RANK[a.priority] - RANK[b.priority],
  due: byDueDate,
}
