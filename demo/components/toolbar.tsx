// Which tasks are shown and in which order; and the ways to the deleted ones.
import type { TasksDatabase } from '../schema.ts'
import { deleteDoneTasks, restoreTasks } from '../services.ts'
import { ORDERS, type Order, type TaskView } from '../task-view.ts'
import type { Notice } from './toast.tsx'

interface ToolbarProps {
  readonly db: TasksDatabase
  readonly view: TaskView
  /** Tasks in view. */
  readonly count: number
  readonly deletedCount: number
  readonly onView: (view: TaskView) => void
  readonly onNotice: (notice: Notice) => void
  readonly onDrawer: () => void
}

const STATES = [
  { label: 'All', done: undefined },
  { label: 'Open', done: false },
  { label: 'Done', done: true },
] as const

const ORDER_LABELS: Readonly<Record<Order, string>> = {
  newest: 'Newest first',
  oldest: 'Oldest first',
  priority: 'Priority',
  due: 'Due date',
}

export const Toolbar = ({ db, view, count, deletedCount, onView, onNotice, onDrawer }: ToolbarProps) => {
  const deleteDone = () => {
    const ids = deleteDoneTasks(db)
    onNotice({
      text: `Deleted ${countOf(ids.length)} that ${ids.length === 1 ? 'was' : 'were'} done.`,
      undo: () => restoreTasks(db, ids),
    })
  }
  return (
    <div className="toolbar">
      <fieldset className="segments">
        <legend className="visually-hidden">Show</legend>
        {STATES.map(({ label, done }) => (
          <button key={label} type="button" aria-pressed={view.done === done} onClick={() => onView({ ...view, done })}>
            {label}
          </button>
        ))}
      </fieldset>
      <span className="toolbar-count" role="status" data-testid="task-count">
        {countOf(count)}
      </span>
      <div className="toolbar-end">
        {view.done === true && view.projectId === undefined && count > 0 && (
          <button type="button" className="button quiet" onClick={deleteDone}>
            Delete all done
          </button>
        )}
        <button type="button" className="button quiet" data-testid="deleted-open" onClick={onDrawer}>
          Recently deleted{deletedCount > 0 && <span className="pill">{deletedCount}</span>}
        </button>
        <label className="select">
          <span>Sort</span>
          <select
            aria-label="Sort by"
            value={view.order}
            onChange={(event) => onView({ ...view, order: event.target.value as Order })}
          >
            {ORDERS.map((order) => (
              <option key={order} value={order}>
                {ORDER_LABELS[order]}
              </option>
            ))}
          </select>
        </label>
      </div>
    </div>
  )
}

const countOf = (count: number): string => `${count.toLocaleString('en')} ${count === 1 ? 'task' : 'tasks'}`
