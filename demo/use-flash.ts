// Lights up the table rows that somebody else has just changed. Knows rows on the page by their `data-id`.
import { useEffect } from 'react'
import type { TasksDatabase } from './schema.ts'

/** More than this at once is a catch-up, not somebody at work. */
const MAX_FLASHES = 20
const FLASH_MS = 1600

/** Flashes rows as changes from other replicas arrive, once what was there before has come in. */
export const useFlash = (db: TasksDatabase, isCaughtUp: boolean): void =>
  useEffect(() => {
    if (!isCaughtUp) return
    return db.tasks.subscribe(({ origin, added, changed }) => {
      const ids = [...added, ...changed].map(({ id }) => id)
      if (origin === 'local' || ids.length > MAX_FLASHES) return
      // After React has put new rows on the page.
      requestAnimationFrame(() => ids.forEach(flash))
    })
  }, [db, isCaughtUp])

const flash = (id: string): void => {
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return
  const row = document.querySelector(`[data-testid="task-row"][data-id="${CSS.escape(id)}"]`)
  row?.animate([{ backgroundColor: 'var(--flash)' }, { backgroundColor: 'transparent' }], {
    duration: FLASH_MS,
    easing: 'ease-out',
  })
}
