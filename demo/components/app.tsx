// The app as a whole: opens the database and shows it, or what keeps it from opening. Knows no tasks.
import { useCallback, useEffect, useState } from 'react'
import { openTasks } from '../database.ts'
import type { TasksDatabase } from '../schema.ts'
import { readUser, writeUser } from '../user.ts'
import { Board } from './board.tsx'
import { Failed, Opening } from './opening.tsx'

declare global {
  interface Window {
    /** The open database, to play with in the console. */
    merrow?: TasksDatabase
  }
}

type Session =
  | { readonly kind: 'opening' }
  | { readonly kind: 'open'; readonly db: TasksDatabase; readonly user: string }
  | { readonly kind: 'failed'; readonly error: unknown }

export const App = () => {
  const [session, setSession] = useState<Session>({ kind: 'opening' })

  const open = useCallback(async (previous?: TasksDatabase) => {
    try {
      await previous?.close()
      const user = readUser()
      const db = await openTasks(user)
      window.merrow = db
      setSession({ kind: 'open', db, user })
    } catch (error) {
      setSession({ kind: 'failed', error })
    }
  }, [])

  useEffect(() => void open(), [open])

  switch (session.kind) {
    case 'opening':
      return <Opening />
    case 'failed':
      return <Failed error={session.error} />
    case 'open': {
      const { db, user } = session
      // A database writes as one user for as long as it is open.
      const rename = (name: string) => {
        if (writeUser(name) !== user) void open(db)
      }
      return <Board db={db} user={user} onRename={rename} />
    }
  }
}
