// The law of conflicts, over seeded schedules. SEED=n runs that one alone.
import { it } from 'vitest'
import { forEachSeed, SEEDS } from '../rowlog/testing/seeds.ts'
import { checkConflictLaw } from './testing/conflict-law.ts'

it('[J11] a conflict is listed exactly when neither write knew the other', { timeout: 60_000 + 50 * SEEDS }, () =>
  forEachSeed(checkConflictLaw),
)
