// The table of tasks, a page at a time.
import { useCallback, useState } from 'react'
import type { Project, Task, TasksDatabase } from '../schema.ts'
import { TaskRow } from './task-row.tsx'
import type { Notice } from './toast.tsx'

interface TaskTableProps {
  readonly db: TasksDatabase
  readonly tasks: readonly Task[]
  readonly projects: readonly Project[]
  readonly onNotice: (notice: Notice) => void
}

const PAGE_ROWS = 200

export const TaskTable = ({ db, tasks, projects, onNotice }: TaskTableProps) => {
  const [shown, setShown] = useState(PAGE_ROWS)
  const remove = useCallback(
    (task: Task) => {
      db.tasks.delete(task.id)
      onNotice({ text: `Deleted “${task.title || 'Untitled'}”.`, undo: () => db.tasks.restore(task.id) })
    },
    [db, onNotice],
  )
  return (
    <>
      <table className="tasks">
        <thead>
          <tr>
            <th scope="col" className="cell-done">
              <span className="visually-hidden">Done</span>
            </th>
            <th scope="col">Task</th>
            <th scope="col" className="cell-project">
              Project
            </th>
            <th scope="col" className="cell-priority">
              Priority
            </th>
            <th scope="col" className="cell-due">
              Due
            </th>
            <th scope="col" className="cell-updated">
              Updated
            </th>
            <th scope="col" className="cell-delete">
              <span className="visually-hidden">Delete</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tasks.slice(0, shown).map((task) => (
            <TaskRow key={task.id} db={db} task={task} projects={projects} onDelete={remove} />
          ))}
        </tbody>
      </table>
      {tasks.length > shown && (
        <div className="more">
          <button type="button" className="button" data-testid="show-more" onClick={() => setShown(shown + PAGE_ROWS)}>
            Show more
          </button>
          <span>
            {shown.toLocaleString('en')} of {tasks.length.toLocaleString('en')}
          </span>
        </div>
      )}
    </>
  )
}
