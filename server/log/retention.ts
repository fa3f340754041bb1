// Which former snapshots are worth keeping. Knows when they were taken, nothing of files.
import type { Retention, SnapshotInfo } from './port.ts'

/** Former snapshots an hour apart (recent ones closer), a hundred of them, for thirty days. */
export const DEFAULT_RETENTION: Retention = { count: 100, ageMs: 30 * 86_400_000, spacingMs: 3_600_000 }

/** All of them, for who writes to a folder whose relay decides. */
export const KEEP_ALL: Retention = {
  count: Number.POSITIVE_INFINITY,
  ageMs: Number.POSITIVE_INFINITY,
  spacingMs: 0,
}

/** The younger a snapshot, the closer to its neighbours it may stand: who restores wants a moment ago, or some day. */
const AGE_TO_SPACING = 1 / 10

/**
 * Picks those to keep: the newest and the one before it always; older ones if they are young enough, not too close
 * together, and not too many.
 *
 * @param snapshots - Newest first.
 */
export const keptOf = <S extends SnapshotInfo>(snapshots: readonly S[], retention: Retention, now: number): S[] => {
  const [current, ...former] = snapshots
  if (current === undefined) return []
  const kept: S[] = []
  // From the oldest on, so that what was kept once stays an anchor and the gaps do not drift.
  for (const snapshot of former.toReversed()) {
    const ageMs = now - snapshot.takenAt
    const last = kept.at(-1)
    const distance = last === undefined ? Number.POSITIVE_INFINITY : snapshot.takenAt - last.takenAt
    const isApart = distance >= Math.min(retention.spacingMs, ageMs * AGE_TO_SPACING)
    if (snapshot === former[0] || (ageMs <= retention.ageMs && isApart)) kept.push(snapshot)
  }
  return [current, ...kept.toReversed().slice(0, Math.max(1, retention.count))]
}
