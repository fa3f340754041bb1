// Leases: one sender at a time among those who share an outbox. Knows Web Locks; nothing of operations.

/** Lets one holder work at a time. */
export interface Lease {
  /**
   * Calls `work` once this holder may work, with a function that tells when it may no longer; ends when `work`'s promise does.
   *
   * @param signal - Gives up waiting.
   */
  hold(name: string, work: (lost: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void>
  /** Tells the holder that there is something new in the storage that all share. */
  tell?(name: string): void
  /** Calls `onNews` when somebody tells. @returns A function that ends it. */
  listen?(name: string, onNews: () => void): () => void
}

/** Everybody works: for processes that share nothing. */
export const noLease: Lease = {
  hold: (_name, work, signal) => work(signal),
}

/** One tab of a browser at a time, by a Web Lock; whoever waits takes over as soon as the holder is gone. */
export const webLock = (locks: LockManager): Lease => ({
  async hold(name, work, signal) {
    try {
      await locks.request(name, { signal }, () => work(signal))
    } catch (error) {
      if (!signal.aborted) throw error
    }
  },
  tell(name) {
    const channel = new BroadcastChannel(name)
    channel.postMessage('news')
    channel.close()
  },
  listen(name, onNews) {
    const channel = new BroadcastChannel(name)
    channel.onmessage = onNews
    return () => channel.close()
  },
})

/** Web Locks where there are any. */
export const defaultLease = (): Lease =>
  typeof navigator !== 'undefined' && navigator.locks !== undefined ? webLock(navigator.locks) : noLease
