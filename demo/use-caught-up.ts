// Whether the relay has answered once since the database was opened: then what is on the page is what there is.
import { useEffect, useState } from 'react'
import type { TasksDatabase } from './schema.ts'

/** The relay acknowledges after it has sent what it holds, so the first acknowledgement ends the wait. */
export const useCaughtUp = (db: TasksDatabase): boolean => {
  const [caughtUp, setCaughtUp] = useState<TasksDatabase>()
  useEffect(() => {
    const end = () => setCaughtUp(db)
    // It rejects when the database is closed; nobody waits any longer then.
    db.acknowledged().then(end, () => {})
  }, [db])
  return caughtUp === db
}
