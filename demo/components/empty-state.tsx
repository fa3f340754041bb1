// What stands where no task does: none yet, none in this view, or none here until the relay has answered.
import type { ReactNode } from 'react'
import type { Connection } from '../../src/index.ts'
import type { TasksDatabase } from '../schema.ts'
import { addExamples } from '../services.ts'

interface EmptyStateProps {
  readonly db: TasksDatabase
  readonly connection: Connection
  readonly isCaughtUp: boolean
  readonly isFiltered: boolean
  readonly onShowAll: () => void
}

export const EmptyState = ({ db, connection, isCaughtUp, isFiltered, onShowAll }: EmptyStateProps) => {
  if (isFiltered)
    return (
      <Blank testId="empty-view" heading="Nothing in this view">
        <p>No task matches the filter.</p>
        <button type="button" className="button" onClick={onShowAll}>
          Show all tasks
        </button>
      </Blank>
    )
  if (!isCaughtUp && (connection === 'connecting' || connection === 'connected'))
    return (
      <Blank testId="catching-up" heading="Looking for your tasks">
        <p>Asking the relay what others have written.</p>
      </Blank>
    )
  return (
    <Blank testId="empty" heading="A clear horizon">
      <p>
        {connection === 'connected'
          ? 'No tasks yet. Add the first one above; everyone on this page will see it.'
          : 'No tasks here yet. Add one above: it is kept in this browser, and shared once you are connected.'}
      </p>
      <button type="button" className="button primary" onClick={() => addExamples(db)}>
        Add some examples
      </button>
    </Blank>
  )
}

interface BlankProps {
  readonly testId: string
  readonly heading: string
  readonly children: ReactNode
}

const Blank = ({ testId, heading, children }: BlankProps) => (
  <div className="blank" data-testid={testId}>
    <svg className="blank-waves" viewBox="0 0 120 40" aria-hidden="true">
      <path d="M5 14c9 0 9-6 18-6s9 6 18 6 9-6 18-6 9 6 18 6 9-6 18-6 9 6 18 6" />
      <path d="M5 31c9 0 9-6 18-6s9 6 18 6 9-6 18-6 9 6 18 6 9-6 18-6 9 6 18 6" />
    </svg>
    <h2>{heading}</h2>
    {children}
  </div>
)
