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

/** A connection as the heartbeat sees it. */
export interface Peer {
  /** Asks for a sign of life. */
  ping(): void
  /** Grows while the peer takes in what it is sent: a slow one is not dead. */
  readonly sentBytes: number
  /** Whether it has not taken in everything yet. */
  readonly isBehind: boolean
  /** Ends a connection that gave none. */
  hangUp(): void
}

/** One watched connection. */
export interface Pulse {
  /** The peer gave a sign of life. */
  heard(): void
  /** The connection has ended. */
  stop(): void
}

/** Watches all connections of a relay with one timer. */
export interface Heartbeat {
  watch(peer: Peer): Pulse
  stop(): void
}

/** At the beat after so many silent ones the peer is given up: three intervals after its last sign of life at the latest. */
const MAX_SILENT_BEATS = 2

/** Starts a heartbeat that pings every `intervalMs` and hangs up on who gave no sign of life for three times that. */
export const createHeartbeat = (timers: Timers, intervalMs: number): Heartbeat => {
  const watched = new Map<Peer, { silentBeats: number; sentBytes: number }>()
  const stop = timers.every(intervalMs, () => {
    for (const [peer, seen] of watched) {
      const { sentBytes } = peer
      if (sentBytes > seen.sentBytes && seen.silentBeats > 0 && peer.isBehind) seen.silentBeats = 0
      if (seen.silentBeats < MAX_SILENT_BEATS) peer.ping()
      else peer.hangUp()
      seen.silentBeats += 1
      seen.sentBytes = sentBytes
    }
  })
  return {
    watch(peer) {
      const seen = { silentBeats: 0, sentBytes: 0 }
      watched.set(peer, seen)
      return {
        heard: () => {
          seen.silentBeats = 0
        },
        stop: () => watched.delete(peer),
      }
    },
    stop,
  }
}
