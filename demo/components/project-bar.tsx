// Projects as a row of chips: pick one, add one, and mend the one that is picked.
import { useMemo, useState } from 'react'
import type { Project, TasksDatabase } from '../schema.ts'
import { addProject } from '../services.ts'
import { ProjectEditor } from './project-editor.tsx'
import type { Notice } from './toast.tsx'

interface ProjectBarProps {
  readonly db: TasksDatabase
  readonly projects: readonly Project[]
  readonly selected: Project | undefined
  readonly onSelect: (projectId: string | undefined) => void
  readonly onNotice: (notice: Notice) => void
}

export const ProjectBar = ({ db, projects, selected, onSelect, onNotice }: ProjectBarProps) => {
  const sorted = useMemo(() => [...projects].sort((a, b) => a.createdAt - b.createdAt), [projects])
  return (
    <nav className="projects" aria-label="Projects">
      <div className="chips">
        <button
          type="button"
          className="chip"
          aria-pressed={selected === undefined}
          onClick={() => onSelect(undefined)}
        >
          All projects
        </button>
        {sorted.map((project) => (
          <button
            key={project.id}
            type="button"
            className="chip"
            data-testid="project"
            data-color={project.color}
            aria-pressed={project.id === selected?.id}
            onClick={() => onSelect(project.id === selected?.id ? undefined : project.id)}
          >
            <span className="dot" aria-hidden="true" />
            {project.name || 'Untitled'}
          </button>
        ))}
        <NewProject onAdd={(name) => addProject(db, name)} />
      </div>
      {selected !== undefined && <ProjectEditor key={selected.id} db={db} project={selected} onNotice={onNotice} />}
    </nav>
  )
}

const NewProject = ({ onAdd }: { readonly onAdd: (name: string) => void }) => {
  const [isOpen, setOpen] = useState(false)
  if (!isOpen)
    return (
      <button type="button" className="chip chip-add" onClick={() => setOpen(true)}>
        + Project
      </button>
    )
  return (
    <input
      className="chip chip-input"
      aria-label="New project"
      data-testid="new-project"
      placeholder="Name it"
      // biome-ignore lint/a11y/noAutofocus: it takes the place of the button that was just pressed.
      autoFocus
      onBlur={({ target }) => {
        onAdd(target.value)
        setOpen(false)
      }}
      onKeyDown={({ key, currentTarget }) => {
        if (key === 'Escape') currentTarget.value = ''
        if (key === 'Enter' || key === 'Escape') currentTarget.blur()
      }}
    />
  )
}
