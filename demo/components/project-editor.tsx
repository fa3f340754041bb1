// One project, to rename, recolour or delete.
import { COLORS, type Project, type TasksDatabase } from '../schema.ts'
import { deleteProject, restoreProject } from '../services.ts'
import { TextField } from './fields.tsx'
import type { Notice } from './toast.tsx'

interface ProjectEditorProps {
  readonly db: TasksDatabase
  readonly project: Project
  readonly onNotice: (notice: Notice) => void
}

export const ProjectEditor = ({ db, project, onNotice }: ProjectEditorProps) => {
  const remove = () => {
    const deleted = deleteProject(db, project.id)
    const count = deleted.taskIds.length
    onNotice({
      text: `Deleted “${project.name}”; its ${count === 1 ? 'task was' : `${count} tasks were`} kept.`,
      undo: () => restoreProject(db, deleted),
    })
  }
  return (
    <fieldset className="project-editor">
      <legend className="visually-hidden">Project {project.name}</legend>
      <TextField
        label="Project name"
        placeholder="Untitled"
        value={project.name}
        onValue={(name) => db.projects.update(project.id, { name })}
        onEnter={(field) => field.blur()}
      />
      <div className="swatches">
        {COLORS.map((color) => (
          <label key={color} className="swatch" data-color={color} title={color}>
            <input
              type="radio"
              name="color"
              aria-label={color}
              checked={project.color === color}
              onChange={() => db.projects.update(project.id, { color })}
            />
          </label>
        ))}
      </div>
      <button type="button" className="button quiet" onClick={remove}>
        Delete project
      </button>
    </fieldset>
  )
}
