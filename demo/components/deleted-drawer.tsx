// The drawer with recently deleted tasks, each to be restored.
import { useEffect, useRef } from 'react'
import { formatAgo } from '../dates.ts'
import type { Task, TasksDatabase } from '../schema.ts'
import { restoreTasks } from '../services.ts'
import { useNow } from '../use-live.ts'

interface DeletedDrawerProps {
  readonly db: TasksDatabase
  readonly tasks: readonly Task[]
  readonly onClose: () => void
}

export const DeletedDrawer = ({ db, tasks, onClose }: DeletedDrawerProps) => {
  const dialog = useRef<HTMLDialogElement>(null)
  const nowMs = useNow()
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog
      ref={dialog}
      className="drawer"
      aria-labelledby="drawer-heading"
      data-testid="deleted-drawer"
      onClose={onClose}
      closedby="any"
    >
      <header>
        <h2 id="drawer-heading">Recently deleted</h2>
        <button type="button" className="button quiet" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </header>
      {tasks.length === 0 ? (
        <p className="drawer-empty">Nothing has been deleted lately.</p>
      ) : (
        <>
          <ul>
            {tasks.map((task) => (
              <li key={task.id} data-testid="deleted-task" data-id={task.id}>
                <div>
                  <strong>{task.title || 'Untitled'}</strong>
                  <span>
                    {formatAgo(task.deletedAt ?? task.updatedAt, nowMs)} by {task.updatedBy ?? 'somebody'}
                  </span>
                </div>
                <button type="button" className="button" onClick={() => db.tasks.restore(task.id)}>
                  Restore
                </button>
              </li>
            ))}
          </ul>
          <button
            type="button"
            className="button drawer-all"
            onClick={() =>
              restoreTasks(
                db,
                tasks.map(({ id }) => id),
              )
            }
          >
            Restore all
          </button>
        </>
      )}
    </dialog>
  )
}
