// Tokens that end: many sessions that go on writing past the end of theirs, half of which renew in time.
import * as Y from 'yjs'
import { encodeSync } from '../../server/room/frame.ts'
import { percentile } from '../../server/testing/honest-load.ts'
import { editsOf } from '../../server/testing/member.ts'
import { tokenFor } from '../../server/testing/tokens.ts'
import { type WireClient, wireClient } from '../../server/testing/wire-client.ts'
import { SyncType } from '../../src/sync/wire.ts'
import { startRelayProcess } from './relay-process.ts'

const LIFETIME_S = 40
const RENEWED_BEFORE_MS = 5000
const WRITE_EVERY_MS = 2000
const JOINING_AT_ONCE = 50

interface Session {
  readonly client: WireClient
  readonly doc: Y.Doc
  readonly document: string
  sent: number
  acknowledged: number
  closed: { readonly code: number; readonly atMs: number } | undefined
}

/** Lets so many sessions go past the end of their token, and says what they could do then and how soon they were closed. */
export const outliveTokens = async (count: number): Promise<string> => {
  const relay = await startRelayProcess({ maxConnectionsPerSubject: count + 10 })
  const grants = { 'session/*': 'write' } as const
  const token = await tokenFor('ann', { lifetimeS: LIFETIME_S, grants })
  const endsAtMs = endOf(token)
  const sessions: Session[] = []
  while (sessions.length < count)
    sessions.push(
      ...(await Promise.all(
        Array.from({ length: JOINING_AT_ONCE }, (_, at) => start(relay.url, `session/${sessions.length + at}`, token)),
      )),
    )
  if (Date.now() > endsAtMs - 2 * RENEWED_BEFORE_MS) throw new Error('The machine is too busy to connect in time.')
  let isOver = false
  const writeOn = (session: Session): void => {
    if (isOver) return
    write(session)
    setTimeout(() => writeOn(session), WRITE_EVERY_MS)
  }
  for (const session of sessions) setTimeout(() => writeOn(session), Math.random() * WRITE_EVERY_MS)
  await until(endsAtMs - RENEWED_BEFORE_MS)
  const longer = await tokenFor('ann', { lifetimeS: 36_000, grants })
  const renewing = sessions.filter((_, at) => at % 2 === 0)
  for (const { client } of renewing) client.send({ kind: 'token', token: longer })
  await until(endsAtMs)
  // What is sent in the moment of the end is the most likely to slip in.
  for (const session of sessions) write(session)
  await until(endsAtMs + 3000)
  isOver = true
  await until(Date.now() + 2000)
  const ending = sessions.filter((_, at) => at % 2 === 1)
  const late = await countAfter(relay.url, ending, endsAtMs)
  const lags = ending.map(({ closed }) => (closed?.atMs ?? Number.NaN) - endsAtMs).sort((a, b) => a - b)
  const lost = renewing.filter(({ sent, acknowledged, closed }) => sent !== acknowledged || closed !== undefined)
  const codes = [...new Set(ending.map(({ closed }) => closed?.code ?? 'open'))]
  const { exits } = relay
  for (const { client } of sessions) client.socket.terminate()
  await relay.stop()
  return [
    `tokens: ${count} sessions, ${renewing.length} renewed; of those ${lost.length} lost or closed; exits ${exits}`,
    `${ending.length} past their end: closed with ${codes} after ${percentile(lags, 0.5)} ms (median), ${lags.at(-1)} ms (longest); writes after it ${late}`,
  ].join('\n  ')
}

const start = async (url: string, document: string, token: string): Promise<Session> => {
  const client = await wireClient(url, document, token)
  const session: Session = {
    client,
    document,
    doc: new Y.Doc(),
    sent: 0,
    acknowledged: 0,
    closed: undefined,
  }
  client.onMessage = (message) => {
    if (message.kind === 'ack') session.acknowledged = message.count
  }
  client.onClose = (code) => {
    session.closed = { code, atMs: Date.now() }
  }
  return session
}

/** Each write says when it was made. */
const write = (session: Session): void => {
  if (!session.client.isOpen) return
  for (const update of editsOf(session.doc, (doc) => void doc.getArray('at').push([Date.now()]))) {
    session.client.frame(encodeSync(SyncType.update, update))
    session.sent += 1
  }
}

/** How many stored writes were made at the end of the token or after it. */
const countAfter = async (url: string, sessions: readonly Session[], endsAtMs: number): Promise<number> => {
  const reader = await tokenFor('reader', { grants: { 'session/*': 'read' } })
  let late = 0
  for (const { document } of sessions) {
    const response = await fetch(`${url}/v1/docs/${document}`, { headers: { authorization: `Bearer ${reader}` } })
    if (!response.ok) continue
    const doc = new Y.Doc()
    Y.applyUpdate(doc, new Uint8Array(await response.arrayBuffer()))
    late += doc
      .getArray<number>('at')
      .toArray()
      .filter((atMs) => atMs >= endsAtMs).length
  }
  return late
}

const endOf = (token: string): number => {
  const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp: number }
  return exp * 1000
}

const until = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms - Date.now())))
