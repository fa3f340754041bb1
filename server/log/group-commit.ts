// Puts writes that come together into one commit, so that many share one sync of the disk. Knows neither keys nor disks.

/** What one task wants written, and what it returns once that is durable. */
export interface Plan<W, T> {
  readonly writes: readonly W[]
  readonly result: T
}

/** How a group of writes gets to disk. */
export interface GroupCommitOptions<W> {
  /** Writes all, durably, or none. */
  readonly commit: (writes: readonly W[]) => Promise<void>
  /** Called after a failed commit, with its cause; what was planned for it has not happened. @returns The error for its tasks. */
  readonly onFailure: (cause: unknown) => Promise<Error>
}

interface Task<W> {
  readonly plan: () => { readonly writes: readonly W[]; readonly resolve: () => void }
  readonly reject: (error: unknown) => void
}

/** A queue in front of commits: while one runs, the next one's tasks gather. */
export class GroupCommit<W> {
  readonly #options: GroupCommitOptions<W>
  #tasks: Task<W>[] = []
  #run: Promise<void> | undefined

  constructor(options: GroupCommitOptions<W>) {
    this.#options = options
  }

  /**
   * Queues a task. Tasks are planned in call order, and finish in it.
   *
   * @param plan - Says what to write, as if all tasks before it were done. One that throws fails alone.
   * @returns The plan's result, once its writes are durable.
   */
  add<T>(plan: () => Plan<W, T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const planned = () => {
        const { writes, result } = plan()
        return { writes, resolve: () => resolve(result) }
      }
      this.#tasks.push({ plan: planned, reject })
      this.#run ??= this.#commitAll()
    })
  }

  /** Resolves once nothing is queued or running. */
  async settled(): Promise<void> {
    await this.#run
  }

  async #commitAll(): Promise<void> {
    while (this.#tasks.length > 0) {
      await endOfTurn()
      const tasks = this.#tasks
      this.#tasks = []
      await this.#commit(tasks)
    }
    this.#run = undefined
  }

  async #commit(tasks: readonly Task<W>[]): Promise<void> {
    const planned = tasks.flatMap(({ plan, reject }) => {
      try {
        return [{ ...plan(), reject }]
      } catch (error) {
        reject(error)
        return []
      }
    })
    try {
      const writes = planned.flatMap((task) => task.writes)
      if (writes.length > 0) await this.#options.commit(writes)
      for (const { resolve } of planned) resolve()
    } catch (cause) {
      const error = await this.#options.onFailure(cause)
      for (const { reject } of planned) reject(error)
    }
  }
}

/** What arrives in one turn of the event loop belongs into one commit. */
const endOfTurn = () => new Promise<void>((resolve) => setImmediate(resolve))
