// A relay that is none: it keeps the documents of test replicas and exchanges them when told to. Knows Yjs alone.
import * as Y from 'yjs'
import { createDocument } from '../../rowlog/index.ts'
import type { SyncAdapter } from '../../sync/index.ts'

interface Joined {
  readonly document: Y.Doc
  isSettled: boolean
  waiters: (() => void)[]
}

/** One replica's line to the server. */
export interface Line {
  readonly sync: SyncAdapter
  /** Sends and fetches what is new, of all documents that are open. @returns whether anything was. */
  exchange(): boolean
}

/** Keeps documents by name. */
export class PassiveServer {
  readonly #documents = new Map<string, Y.Doc>()

  /** A line for one replica, which is offline but for its exchanges. */
  line(): Line {
    const joined = new Map<string, Joined>()
    return {
      sync: {
        start: ({ documents }) => {
          const join = (name: string, document: Y.Doc) => {
            const own: Joined = { document, isSettled: false, waiters: [] }
            joined.set(name, own)
            document.on('update', (_update: Uint8Array, origin: unknown) => {
              if (origin !== this) own.isSettled = false
            })
            return {
              get isSettled() {
                return own.isSettled
              },
              acknowledged: () =>
                own.isSettled ? Promise.resolve() : new Promise<void>((resolve) => own.waiters.push(resolve)),
              leave: () => void joined.delete(name),
            }
          }
          for (const [name, document] of documents) join(name, document)
          return {
            connection: 'offline',
            synced: async () => {},
            unsent: 0,
            error: undefined,
            connect: () => {},
            disconnect: () => {},
            acknowledged: async () => {},
            join,
            close: () => joined.clear(),
          }
        },
      },
      exchange: () => {
        let isNew = false
        for (const [name, own] of [...joined]) if (this.#exchange(name, own)) isNew = true
        return isNew
      },
    }
  }

  #exchange(name: string, own: Joined): boolean {
    const kept = this.#documents.get(name) ?? createDocument()
    this.#documents.set(name, kept)
    let isNew = false
    const note = (): void => {
      isNew = true
    }
    kept.on('update', note)
    own.document.on('update', note)
    Y.applyUpdate(kept, Y.encodeStateAsUpdate(own.document, Y.encodeStateVector(kept)))
    Y.applyUpdate(own.document, Y.encodeStateAsUpdate(kept, Y.encodeStateVector(own.document)), this)
    kept.off('update', note)
    own.document.off('update', note)
    own.isSettled = true
    for (const resolve of own.waiters.splice(0)) resolve()
    return isNew
  }
}
