// How far local writes have come: on this disk, on the relay's. Knows documents by name and positions as numbers; no rows.
import type { RowLog } from './rowlog/index.ts'
import type { RowFacts } from './table/index.ts'

/** What a {@link DeliveryBook} is given to work with. */
export interface DeliveryBookOptions {
  /** The log of a document; undefined if it is not open. */
  readonly logOf: (document: string) => RowLog | undefined
  /** Position of a document up to which its local writes are durable here. */
  readonly saved: (document: string) => number | undefined
  /** Whether there is a relay. */
  readonly isSynced: boolean
}

/** Keeps one number a document: up to where the relay has it. Nothing is kept for a row. */
export class DeliveryBook {
  readonly #options: DeliveryBookOptions
  readonly #acknowledged = new Map<string, number>()

  constructor(options: DeliveryBookOptions) {
    this.#options = options
  }

  /** How far a document's local writes have come. */
  position(document: string): number {
    return this.#options.logOf(document)?.position ?? 0
  }

  /** Takes note that the relay has a document's local writes up to a position, and what earlier runs wrote. */
  noteAcknowledged(document: string, position: number): void {
    this.#acknowledged.set(document, Math.max(position, this.#acknowledged.get(document) ?? 0))
  }

  /** What the rows of several documents are told: as far as the one is that has come the least far, and has farther to go. */
  factsOfAll(documents: () => readonly { readonly stored: string; readonly sent: string }[]): RowFacts {
    const { saved, isSynced } = this.#options
    const leastOf = (
      positionOf: (document: { stored: string; sent: string }) => number | undefined,
    ): number | undefined => {
      let least = Number.MAX_SAFE_INTEGER
      for (const document of documents()) {
        const reached = positionOf(document)
        if (reached === undefined && this.position(document.sent) > 0) return undefined
        if (reached !== undefined && reached < this.position(document.sent)) least = Math.min(least, reached)
      }
      return least
    }
    return {
      isSynced,
      saved: () => leastOf(({ stored }) => saved(stored)),
      acknowledged: () => leastOf(({ sent }) => this.#acknowledged.get(sent)),
    }
  }

  /** What the rows of a document are told, which is stored and sent under these names. */
  factsOf({ stored, sent }: { readonly stored: string; readonly sent: string }): RowFacts {
    const { saved, isSynced } = this.#options
    return {
      isSynced,
      saved: () => saved(stored),
      acknowledged: () => this.#acknowledged.get(sent),
    }
  }
}
