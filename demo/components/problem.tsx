// What is wrong with storage or the relay, in words, when waiting will not mend it.
import type { TasksDatabase } from '../schema.ts'
import type { StatusSnapshot } from '../use-live.ts'

interface ProblemProps {
  readonly db: TasksDatabase
  readonly status: StatusSnapshot
}

export const Problem = ({ db, status: { connection, error, code } }: ProblemProps) => {
  // A relay out of reach is what this page is made for; the light says enough.
  if (error === undefined || code === 'relay_unreachable') return null
  return (
    <div className="problem" role="alert" data-testid="problem">
      <p>{error}</p>
      {connection === 'refused' && (
        <button type="button" className="button" onClick={() => db.connect()}>
          Try again
        </button>
      )}
    </div>
  )
}
