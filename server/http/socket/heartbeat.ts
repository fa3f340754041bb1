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

/** What a peer is sent goes this way. */
export interface Line {
  /** Grows while the peer takes in what it is sent: a slow one is not dead. */
  readonly sentBytes: number
  /** Whether it has not taken in everything yet. */
  readonly isBehind: boolean
}

/** What of one watched connection was heard. */
export class Pulse {
  readonly line: Line
  /** Beats since the last sign of life. */
  silentBeats = 0
  /** {@link Line.sentBytes} at the last beat. */
  sentBytes = 0

  constructor(line: Line) {
    this.line = line
  }

  /** The peer gave a sign of life. */
  heard(): void {
    this.silentBeats = 0
  }
}

/** Watches all connections of a relay with one timer. */
export interface Heartbeat {
  watch(peer: Peer, line: Line): Pulse
  /** A peer's connection has ended. */
  forget(peer: Peer): void
  stop(): void
}

/** At the beat after so many silent ones the peer is given up: three intervals after its last sign of life at the latest. */
const MAX_SILENT_BEATS = 2

/** Starts a heartbeat that pings every `intervalMs` and hangs up on who gave no sign of life for three times that. */
export const createHeartbeat = (timers: Timers, intervalMs: number): Heartbeat => {
  const watched = new Map<Peer, Pulse>()
  const stop = timers.every(intervalMs, () => {
    for (const [peer, pulse] of watched) {
      const { sentBytes, isBehind } = pulse.line
      if (sentBytes > pulse.sentBytes && pulse.silentBeats > 0 && isBehind) pulse.silentBeats = 0
      if (pulse.silentBeats < MAX_SILENT_BEATS) peer.ping()
      else peer.hangUp()
      pulse.silentBeats += 1
      pulse.sentBytes = sentBytes
    }
  })
  return {
    watch(peer, line) {
      const pulse = new Pulse(line)
      watched.set(peer, pulse)
      return pulse
    },
    forget: (peer) => void watched.delete(peer),
    stop,
  }
}
