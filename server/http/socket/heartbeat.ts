// When to ping and when to hang up: half-open connections give no sign of their end. Knows neither sockets nor messages.

/** Ends a timer. */
export type Stop = () => void

/** Timers as the relay uses them, so that tests can turn the clock. */
export interface Timers {
  /** Runs again and again, every `ms` milliseconds. */
  every(ms: number, run: () => void): Stop
  /** Runs once, after `ms` milliseconds. */
  after(ms: number, run: () => void): Stop
}

/** Timers of the system, none of which keeps the process alive. */
export const systemTimers: Timers = {
  every(ms, run) {
    const timer = setInterval(run, ms).unref()
    return () => clearInterval(timer)
  },
  after(ms, run) {
    const timer = setTimeout(run, ms).unref()
    return () => clearTimeout(timer)
  },
}

/** What a peer is sent goes this way. */
export interface Line {
  /** Grows while the peer takes in what it is sent: a slow one is not dead. */
  readonly sentBytes: number
  /** Whether it has not taken in everything yet. */
  readonly isBehind: boolean
}

/** A connection as the heartbeat sees it, and what was heard of it: one object, for there is one for each idle client. */
export abstract class Peer {
  /** Beats since the last sign of life. */
  silentBeats = 0
  /** {@link Line.sentBytes} at the last beat. */
  sentBytes = 0
  abstract readonly line: Line

  /** Asks for a sign of life. */
  abstract ping(): void
  /** Ends a connection that gave none. */
  abstract hangUp(): void

  /** It gave one. */
  heard(): void {
    this.silentBeats = 0
  }
}

/** Watches all connections of a relay with one timer. */
export interface Heartbeat {
  watch(peer: Peer): void
  /** A peer's connection has ended. */
  forget(peer: Peer): void
  stop(): void
}

/** At the beat after so many silent ones the peer is given up: three intervals after its last sign of life at the latest. */
const MAX_SILENT_BEATS = 2

/** Starts a heartbeat that pings every `intervalMs` and hangs up on who gave no sign of life for three times that. */
export const createHeartbeat = (timers: Timers, intervalMs: number): Heartbeat => {
  const watched = new Set<Peer>()
  const stop = timers.every(intervalMs, () => {
    for (const peer of watched) {
      const { sentBytes, isBehind } = peer.line
      if (sentBytes > peer.sentBytes && peer.silentBeats > 0 && isBehind) peer.silentBeats = 0
      if (peer.silentBeats < MAX_SILENT_BEATS) peer.ping()
      else peer.hangUp()
      peer.silentBeats += 1
      peer.sentBytes = sentBytes
    }
  })
  return {
    watch: (peer) => void watched.add(peer),
    forget: (peer) => void watched.delete(peer),
    stop,
  }
}
