// Whether a replica that has a document's clocks and deletes says something else than the log: a fork that state vectors do not
// show. Knows digests and how to have one made; no members.
import * as Y from 'yjs'
import { type Digest, digestOfClocks } from '../../src/sync/digest.js'
import type { LogContent } from '../log/port.ts'
import { stateOf } from './answer.ts'
import type { Snapshotter } from './snapshotter.ts'

/** What a {@link Proof} is made of. */
export interface ProofOptions {
  /** Reads the document; nobody else is given the same bytes. */
  readonly read: () => Promise<LogContent>
  readonly snapshotter: Snapshotter
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number
  /** Resolves after so many milliseconds. */
  readonly after: (ms: number) => Promise<void>
}

/** A document that goes on changing is digested no more often than this, in milliseconds; each time it is loaded. */
const REST_MS = 10_000

/** Compares replicas with one document. */
export class Proof {
  readonly #options: ProofOptions
  #known: { readonly upTo: number; readonly at: number; readonly digest: Promise<Digest> } | undefined

  constructor(options: ProofOptions) {
    this.#options = options
  }

  /**
   * Whether a replica differs. What cannot be told now, since one side has what the other lacks, is no difference.
   *
   * @param stateVector - What the log holds, encoded (v1).
   */
  async differs(digest: Digest, stateVector: Uint8Array): Promise<boolean> {
    if (digest.vector !== digestOfClocks(Y.decodeStateVector(stateVector))) return false
    const own = (await this.#digest()) ?? (await this.#digestLater())
    return own?.vector === digest.vector && own.deletes === digest.deletes && own.content !== digest.content
  }

  /** Who comes soon after a change is compared once the document may be digested again; who would have to wait once more is not. */
  async #digestLater(): Promise<Digest | undefined> {
    await this.#options.after(REST_MS)
    return this.#digest()
  }

  /** One digest serves all who come while nothing is appended. */
  async #digest(): Promise<Digest | undefined> {
    const content = await this.#options.read()
    const upTo = content.upTo
    const at = this.#options.now()
    if (this.#known?.upTo !== upTo) {
      if (this.#known !== undefined && Math.abs(at - this.#known.at) < REST_MS) return undefined
      const digest = stateOf(content).then((state) => this.#options.snapshotter.digest(state, content.packed))
      this.#known = { upTo, at, digest }
    }
    return this.#known?.digest
  }
}
