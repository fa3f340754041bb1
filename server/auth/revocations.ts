// Subjects whose tokens no longer count, and since when. Rests in a log of its own, so that a restart forgets none.
import type { Log } from '../log/port.ts'

/** Name of the log of revocations; no document can be called so. */
const NAME = '#revoked'
const SNAPSHOT_AFTER = 100
const NO_CLOCKS = Uint8Array.of(0)
const NO_DELETES = Uint8Array.of(0, 0)

type Revocation = readonly [subject: string, atMs: number]

/** All revocations of a relay. */
export interface Revocations {
  /** Whether a token that was issued then no longer counts. */
  isRevoked(subject: string, issuedAtMs: number): boolean
  /** Revokes every token that the subject has now. Resolves once that is durable. */
  revoke(subject: string, atMs: number): Promise<void>
}

/** Reads the revocations that a log holds. */
export const openRevocations = async (log: Log): Promise<Revocations> => {
  const { snapshot, entries } = await log.read(NAME)
  const records = [...(snapshot === undefined ? [] : [await snapshot.state()]), ...entries.map(({ update }) => update)]
  const revoked = new Map<string, number>(records.flatMap(decode))
  const upTo = entries.at(-1)?.seq
  if (upTo !== undefined && entries.length > SNAPSHOT_AFTER)
    await log.putSnapshot(NAME, { upTo, state: encode([...revoked]), stateVector: NO_CLOCKS, deletes: NO_DELETES })
  return {
    // Claims count whole seconds: a token of the same second counts as older.
    isRevoked: (subject, issuedAtMs) => issuedAtMs <= (revoked.get(subject) ?? -1),
    async revoke(subject, atMs) {
      revoked.set(subject, atMs)
      await log.append(NAME, [encode([[subject, atMs]])])
    },
  }
}

const encode = (revocations: readonly Revocation[]): Uint8Array => new TextEncoder().encode(JSON.stringify(revocations))
const decode = (record: Uint8Array): readonly Revocation[] =>
  JSON.parse(new TextDecoder().decode(record)) as readonly Revocation[]
