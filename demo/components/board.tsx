// The open database on the page: header, projects, tasks, drawer. Holds what is shown; writes nothing itself.
import { useCallback, useEffect, useMemo, useState } from 'react'
import { queryDeletedTasks } from '../deleted-tasks.ts'
import type { TasksDatabase } from '../schema.ts'
import { queryTasks, sortTasks, type TaskView } from '../task-view.ts'
import { useCaughtUp } from '../use-caught-up.ts'
import { useFlash } from '../use-flash.ts'
import { useRows, useStatus } from '../use-live.ts'
import { DeletedDrawer } from './deleted-drawer.tsx'
import { EmptyState } from './empty-state.tsx'
import { Footer } from './footer.tsx'
import { Header } from './header.tsx'
import { NewTask } from './new-task.tsx'
import { Problem } from './problem.tsx'
import { ProjectBar } from './project-bar.tsx'
import { TaskTable } from './task-table.tsx'
import { type Notice, Toast } from './toast.tsx'
import { Toolbar } from './toolbar.tsx'

interface BoardProps {
  readonly db: TasksDatabase
  readonly user: string
  readonly onRename: (name: string) => void
}

const EVERYTHING: TaskView = { done: undefined, projectId: undefined, order: 'newest' }

export const Board = ({ db, user, onRename }: BoardProps) => {
  const [view, setView] = useState(EVERYTHING)
  const [isOffline, setOffline] = useState(false)
  const [isDrawerOpen, setDrawerOpen] = useState(false)
  const [notice, setNotice] = useState<Notice>()
  const closeNotice = useCallback(() => setNotice(undefined), [])

  const status = useStatus(db.status)
  const deleted = useRows(useMemo(() => queryDeletedTasks(db), [db]))
  const projects = useRows(useMemo(() => db.projects.where({}), [db]))
  const { done, order } = view
  // A filter by a project that somebody has deleted would show nothing, and nothing to turn it off by.
  const project = projects.find(({ id }) => id === view.projectId)
  const projectId = project?.id
  const rows = useRows(useMemo(() => queryTasks(db, { done, projectId }), [db, done, projectId]))
  const tasks = useMemo(() => sortTasks(rows, order), [rows, order])

  const isCaughtUp = useCaughtUp(db)
  useFlash(db, isCaughtUp)
  useEffect(() => (isOffline ? db.disconnect() : db.connect()), [db, isOffline])

  const showAdded = () => {
    if (done === true) setView({ ...view, done: undefined })
  }

  return (
    <div className="page">
      <Header user={user} status={status} isOffline={isOffline} onOffline={setOffline} onRename={onRename} />
      <Problem db={db} status={status} />
      <main>
        <ProjectBar
          db={db}
          projects={projects}
          selected={project}
          onSelect={(projectId) => setView({ ...view, projectId })}
          onNotice={setNotice}
        />
        <section className="card" aria-label="Tasks">
          <NewTask db={db} project={project} onAdded={showAdded} />
          <Toolbar
            db={db}
            view={view}
            count={tasks.length}
            deletedCount={deleted.length}
            onView={setView}
            onNotice={setNotice}
            onDrawer={() => setDrawerOpen(true)}
          />
          {tasks.length > 0 ? (
            <TaskTable db={db} tasks={tasks} projects={projects} onNotice={setNotice} />
          ) : (
            <EmptyState
              db={db}
              connection={status.connection}
              isCaughtUp={isCaughtUp}
              isFiltered={done !== undefined || project !== undefined}
              onShowAll={() => setView(EVERYTHING)}
            />
          )}
        </section>
      </main>
      <Footer />
      {isDrawerOpen && <DeletedDrawer db={db} tasks={deleted} onClose={() => setDrawerOpen(false)} />}
      <Toast notice={notice} onClose={closeNotice} />
    </div>
  )
}
