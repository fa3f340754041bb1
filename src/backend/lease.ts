// Leases: one sender at a time among those who share an outbox. Knows Web Locks and the relay's leases; nothing of operations.
import type { RelayLease } from '../sync/index.ts'

/** Lets one holder work at a time. */
export interface Lease {
  /**
   * Calls `work` once this holder may work, and again if it may once more after it was told to end; `lost` says when it may no longer.
   *
   * @param signal - Gives up waiting.
   */
  hold(name: string, work: (lost: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void>
  /** Whether the work may go on right now; as long as it was not told otherwise, without this. Asked before each step. */
  isHeld?(): boolean
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

/** One process of all that a relay connects, for as long as it hears from the relay. @param name - A document's: whoever may write it. */
export const relayLease = (lease: RelayLease, name: string): Lease => ({
  hold: (_, work, signal) => lease.hold(name, work, signal),
  isHeld: () => lease.isHeld(name),
})

/** Web Locks where there are any. */
export const defaultLease = (): Lease =>
  typeof navigator !== 'undefined' && navigator.locks !== undefined ? webLock(navigator.locks) : noLease
