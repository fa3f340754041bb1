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

/** A peer may stay silent for this many intervals. */
const MAX_SILENT_BEATS = 3

/** Starts a heartbeat that pings every `intervalMs` and hangs up on who was silent for three times that. */
export const createHeartbeat = (timers: Timers, intervalMs: number): Heartbeat => {
  const silentBeats = new Map<Peer, number>()
  const stop = timers.every(intervalMs, () => {
    for (const [peer, beats] of silentBeats) {
      silentBeats.set(peer, beats + 1)
      if (beats < MAX_SILENT_BEATS) peer.ping()
      else peer.hangUp()
    }
  })
  return {
    watch(peer) {
      silentBeats.set(peer, 0)
      return {
        heard: () => {
          if (silentBeats.has(peer)) silentBeats.set(peer, 0)
        },
        stop: () => silentBeats.delete(peer),
      }
    },
    stop,
  }
}
