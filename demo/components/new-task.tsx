// The line that adds a task.
import { useRef } from 'react'
import type { Project, TasksDatabase } from '../schema.ts'
import { addTask } from '../services.ts'

interface NewTaskProps {
  readonly db: TasksDatabase
  readonly project: Project | undefined
  readonly onAdded: () => void
}

export const NewTask = ({ db, project, onAdded }: NewTaskProps) => {
  const field = useRef<HTMLInputElement>(null)
  const add = () => {
    const input = field.current
    if (input === null) return
    if (addTask(db, input.value, project?.id) !== undefined) {
      input.value = ''
      onAdded()
    }
    input.focus()
  }
  return (
    <form
      className="new-task"
      onSubmit={(event) => {
        event.preventDefault()
        add()
      }}
    >
      <span className="new-task-plus" aria-hidden="true">
        +
      </span>
      <input
        ref={field}
        data-testid="new-title"
        aria-label="New task"
        placeholder={project === undefined ? 'Add a task' : `Add a task to ${project.name}`}
        autoComplete="off"
        enterKeyHint="done"
      />
      <button type="submit" className="button primary">
        Add
      </button>
    </form>
  )
}
