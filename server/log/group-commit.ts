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

/** A task's result is known to whoever added it alone. */
interface Task<W> {
  readonly plan: () => Plan<W, unknown>
  readonly resolve: (result: never) => void
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
    return new Promise<T>((resolve, reject) => {
      this.#tasks.push({ plan, resolve, reject })
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
    const planned: { readonly task: Task<W>; readonly result: unknown }[] = []
    const writes: W[] = []
    for (const task of tasks) {
      try {
        const plan = task.plan()
        writes.push(...plan.writes)
        planned.push({ task, result: plan.result })
      } catch (error) {
        task.reject(error)
      }
    }
    try {
      if (writes.length > 0) await this.#options.commit(writes)
      for (const { task, result } of planned) task.resolve(result as never)
    } catch (cause) {
      const error = await this.#options.onFailure(cause)
      for (const { task } of planned) task.reject(error)
    }
  }
}

/** What arrives in one turn of the event loop belongs into one commit. */
const endOfTurn = () => new Promise<void>((resolve) => setImmediate(resolve))
