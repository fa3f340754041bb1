// Which former snapshots are worth keeping. Knows when they were taken, nothing of files.
import type { Retention, SnapshotInfo } from './port.ts'

/** Former snapshots at least an hour apart, a hundred of them, for thirty days. */
export const DEFAULT_RETENTION: Retention = { count: 100, ageMs: 30 * 86_400_000, spacingMs: 3_600_000 }

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
    const isYoung = now - snapshot.takenAt <= retention.ageMs
    const last = kept.at(-1)
    const isApart = last === undefined || snapshot.takenAt - last.takenAt >= retention.spacingMs
    if (snapshot === former[0] || (isYoung && isApart)) kept.push(snapshot)
  }
  return [current, ...kept.toReversed().slice(0, Math.max(1, retention.count))]
}
