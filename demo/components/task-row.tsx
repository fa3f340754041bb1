// One task, every column of it to be edited in place. Writes to its own row alone.
import { memo } from 'react'
import { isOver } from '../dates.ts'
import { PRIORITIES, type Priority, type Project, type Task, type TasksDatabase } from '../schema.ts'
import { DayField, TextField } from './fields.tsx'
import { Updated } from './updated.tsx'

interface TaskRowProps {
  readonly db: TasksDatabase
  readonly task: Task
  readonly projects: readonly Project[]
  readonly onDelete: (task: Task) => void
}

/** Rows are the same object until they change, so only rows that did are drawn anew. */
export const TaskRow = memo(({ db, task, projects, onDelete }: TaskRowProps) => {
  const { id, title, note, done, priority, dueAt } = task
  const project = projects.find((candidate) => candidate.id === task.projectId)
  return (
    <tr data-testid="task-row" data-id={id} data-done={done} data-priority={priority}>
      <td className="cell-done">
        <input
          type="checkbox"
          aria-label="Done"
          checked={done}
          onChange={(event) => db.tasks.update(id, { done: event.target.checked })}
        />
      </td>
      <td className="cell-task">
        <TextField
          label="Title"
          placeholder="Untitled"
          value={title}
          onValue={(title) => db.tasks.update(id, { title })}
          onEnter={focusNext}
        />
        <TextField
          label="Note"
          placeholder="Add a note"
          value={note}
          onValue={(note) => db.tasks.update(id, { note })}
        />
      </td>
      <td className="cell-project" data-color={project?.color}>
        <span className="dot" aria-hidden="true" />
        <select
          className="field"
          aria-label="Project"
          value={project?.id ?? ''}
          onChange={({ target }) => db.tasks.update(id, { projectId: target.value || undefined })}
        >
          <option value="">No project</option>
          {projects.map(({ id, name }) => (
            <option key={id} value={id}>
              {name || 'Untitled'}
            </option>
          ))}
        </select>
      </td>
      <td className="cell-priority">
        <select
          className="field"
          aria-label="Priority"
          value={priority}
          onChange={({ target }) => db.tasks.update(id, { priority: target.value as Priority })}
        >
          {PRIORITIES.map((value) => (
            <option key={value} value={value}>
              {capitalised(value)}
            </option>
          ))}
        </select>
      </td>
      <td className="cell-due" data-over={dueAt !== undefined && !done && isOver(dueAt)}>
        <DayField label="Due date" value={dueAt} onValue={(dueAt) => db.tasks.update(id, { dueAt })} />
      </td>
      <td className="cell-updated">
        <Updated by={task.updatedBy} atMs={task.updatedAt} />
      </td>
      <td className="cell-delete">
        <button type="button" className="icon-button" aria-label="Delete" onClick={() => onDelete(task)}>
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5" />
          </svg>
        </button>
      </td>
    </tr>
  )
})

/** Enter goes to the next task's title, as in a spreadsheet. */
const focusNext = (field: HTMLTextAreaElement): void =>
  field.closest('tr')?.nextElementSibling?.querySelector('textarea')?.focus()

const capitalised = (word: string): string => `${word.charAt(0).toUpperCase()}${word.slice(1)}`
