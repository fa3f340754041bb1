// How often a member is asked for what its updates build on. Knows numbers, not frames.

/** So often a member is asked in a row. */
const MAX_REQUESTS = 3
/** So many updates that build on what is missing may come while the member has not answered. */
const MAX_UNANSWERED = 1000

/** The requests to one member. */
export class Requests {
  #asked = 0
  #unanswered = 0

  /**
   * Says what to do about an update that builds on what is missing.
   *
   * @param isAnswer - It is the member's answer, so that another request is needed.
   */
  next(isAnswer: boolean): 'ask' | 'wait' | 'give up' {
    const isWaiting = this.#asked > 0 && !isAnswer
    if (isWaiting) this.#unanswered += 1
    else {
      this.#asked += 1
      this.#unanswered = 0
    }
    if (this.#asked > MAX_REQUESTS || this.#unanswered > MAX_UNANSWERED) return 'give up'
    return isWaiting ? 'wait' : 'ask'
  }

  /** An answer came that lacks nothing. */
  answered(): void {
    this.#asked = 0
  }
}
