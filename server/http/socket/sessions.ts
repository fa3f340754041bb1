// Who is connected by which token: how long it counts, what it allows, how much its subject may send. Knows no messages.

import { CloseCode } from '../../../src/sync/wire.ts'
import type { Access } from '../../auth/grants.ts'
import type { Identity } from '../../auth/identity.ts'
import type { Stop, Timers } from './heartbeat.ts'
import { Allowance, type SendRates } from './intake.ts'

/** How {@link Sessions} are set up. */
export interface SessionsOptions {
  readonly timers: Timers
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number
  readonly rates: SendRates
  readonly maxConnectionsPerSubject: number
}

/** A subject may send so many times what one connection may. */
const SUBJECT_TIMES = 4
/** So many subjects' allowances are kept while they are away. */
const MAX_REMEMBERED = 10_000
/** The longest that a timer can wait, in milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** A connection as its session ends it; the code is a WebSocket close code. */
export interface Closable {
  close(code: number, reason: string): void
}

/** One connection's token. */
export class Session {
  readonly #options: SessionsOptions
  readonly #connection: Closable
  #identity: Identity
  #stopTimer: Stop | undefined

  constructor(identity: Identity, connection: Closable, options: SessionsOptions) {
    this.#identity = identity
    this.#connection = connection
    this.#options = options
    this.#watchExpiry()
  }

  /** The user; undefined where tokens name nobody. */
  get subject(): string | undefined {
    return this.#identity.subject
  }

  /** How long the token still counts, in milliseconds; undefined if for ever. */
  get expiresInMs(): number | undefined {
    const { expiresAtMs } = this.#identity
    return expiresAtMs === Number.POSITIVE_INFINITY ? undefined : Math.max(0, expiresAtMs - this.#options.now())
  }

  /** What the token allows now; nothing once it is over. */
  access(document: string): Access {
    return this.#options.now() < this.#identity.expiresAtMs ? this.#identity.grants(document) : 'none'
  }

  /** Goes on with another token of the same subject. @returns Whether it is. */
  renew(identity: Identity): boolean {
    if (identity.subject !== this.#identity.subject) return false
    this.#identity = identity
    this.#watchExpiry()
    return true
  }

  /** Ends the connection: its subject's tokens no longer count. */
  revoke(): void {
    this.#connection.close(CloseCode.unauthorised, 'the token was revoked')
  }

  /** The connection has ended. */
  stop(): void {
    this.#stopTimer?.()
  }

  #watchExpiry(): void {
    this.#stopTimer?.()
    const { expiresInMs } = this
    if (expiresInMs === undefined) return
    this.#stopTimer = this.#options.timers.after(Math.min(expiresInMs, MAX_TIMER_MS), () => {
      if (this.expiresInMs === 0)
        this.#connection.close(CloseCode.expired, 'the token has expired; connect with a new one')
      else this.#watchExpiry()
    })
  }
}

/** All sessions of a relay. */
export class Sessions {
  readonly #options: SessionsOptions
  readonly #bySubject = new Map<string, { readonly sessions: Set<Session>; readonly allowance: Allowance }>()

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  /** Starts a session. @returns undefined if its subject has too many connections, or was refused too much lately. */
  start(identity: Identity, connection: Closable): Session | undefined {
    const { subject } = identity
    if (subject === undefined) return new Session(identity, connection, this.#options)
    const { rates, now, maxConnectionsPerSubject } = this.#options
    const of = this.#bySubject.get(subject) ?? {
      sessions: new Set<Session>(),
      allowance: new Allowance(rates, now, SUBJECT_TIMES),
    }
    if (of.sessions.size >= maxConnectionsPerSubject || of.allowance.hasManyFaults) return undefined
    const session = new Session(identity, connection, this.#options)
    if (this.#bySubject.size > MAX_REMEMBERED) this.#forgetAbsent()
    this.#bySubject.set(subject, of)
    of.sessions.add(session)
    return session
  }

  /** What all connections of a subject together may send; undefined where tokens name nobody. */
  allowanceOf({ subject }: Session): Allowance | undefined {
    return subject === undefined ? undefined : this.#bySubject.get(subject)?.allowance
  }

  /** A session's connection has ended. */
  stop(session: Session): void {
    session.stop()
    const { subject } = session
    // Its allowance stays: connecting again must not be a way to a new one.
    if (subject !== undefined) this.#bySubject.get(subject)?.sessions.delete(session)
  }

  #forgetAbsent(): void {
    for (const [subject, { sessions }] of this.#bySubject) if (sessions.size === 0) this.#bySubject.delete(subject)
  }

  /** Ends all connections of a subject. */
  revoke(subject: string): void {
    for (const session of [...(this.#bySubject.get(subject)?.sessions ?? [])]) session.revoke()
  }
}
