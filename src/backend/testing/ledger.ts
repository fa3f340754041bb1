// The ledger of a seeded history: who wrote what, and what may be said of it in the end. Knows the backend's records; no replicas.
import type { FakeBackend } from './fake-backend.ts'
import { TABLES } from './history-schema.ts'

interface Write {
  readonly value: unknown
  isSaved: boolean
  /** Not saved when its process was killed: it may be lost, or have reached others. */
  isDoubtful: boolean
}

/** What was written. */
export class Ledger {
  /** What each actor wrote to each field of each row, by the row's uid. */
  readonly #writes = new Map<string, Map<string, Write[]>>()
  /** Rows of which something was given up. */
  readonly tainted = new Set<string>()
  readonly deleted = new Set<string>()
  /** What tasks were made to refer to, by uid. */
  readonly references = new Map<string, string>()
  /** Rows that somebody edited while they showed as two. */
  readonly twins = new Set<string>()

  /** Notes a write; what others write at the backend is saved at once. */
  record(uid: string, column: string, actor: string, value: unknown): void {
    const key = `${uid}.${column}`
    const actors = this.#writes.get(key) ?? new Map<string, Write[]>()
    this.#writes.set(key, actors)
    actors.set(actor, [...(actors.get(actor) ?? []), { value, isSaved: actor === 'others', isDoubtful: false }])
  }

  /** What an actor was not told to be saved. */
  unsaved(actor: string): Write[] {
    return [...this.#writes].flatMap(([key, actors]) =>
      key === '' ? [] : (actors.get(actor) ?? []).filter(({ isSaved, isDoubtful }) => !isSaved && !isDoubtful),
    )
  }

  /** What shows is the last that somebody wrote, not something older. */
  checkNewest(fake: FakeBackend, fail: (why: string) => never): void {
    for (const [key, actors] of this.#writes) {
      const [uid = '', column = ''] = key.split('.')
      // Of an edit that meets a delete, either may win, as told; equality is all that can be asked of such rows.
      if (this.tainted.has(uid) || this.deleted.has(uid) || this.twins.has(uid)) continue
      const record = TABLES.flatMap((table) => fake.live(table)).find(({ fields }) => fields['uid'] === uid)
      // Without keys and versions nobody can tell a request that comes twice, the second time late, from a new one.
      if (record === undefined || fake.repeated.has(record)) continue
      const allowed = [...actors.values()].flatMap((writes) =>
        writes.slice(
          Math.max(
            0,
            writes.findLastIndex(({ isSaved }) => isSaved),
          ),
        ),
      )
      const value = record.fields[column]
      if (!allowed.some((write) => (write.value ?? null) === (value ?? null)))
        fail(`${key} is ${String(value)}, which everybody has overwritten: ${JSON.stringify([...actors])}`)
    }
  }

  /** What was made with a reference has it there. */
  checkReferences(fake: FakeBackend, fail: (why: string) => never): void {
    for (const [uid, projectUid] of this.references) {
      if ([uid, projectUid].some((one) => this.tainted.has(one) || this.deleted.has(one))) continue
      const task = fake.live('tasks').find(({ fields }) => fields['uid'] === uid)
      const project = fake.live('projects').find(({ fields }) => fields['uid'] === projectUid)
      if (task !== undefined && task.fields['project_id'] !== (project?.id ?? null))
        fail(`${uid} refers to ${task.fields['project_id']}, not to ${project?.id}`)
    }
  }
}
