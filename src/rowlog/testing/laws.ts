// The laws of the row log, checked on one seeded schedule. Knows the simulation and the model.
import type * as Y from 'yjs'
import type { Entry } from '../entry.ts'
import type { RowLog } from '../log.ts'
import { comparePatches } from '../segment.ts'
import { modelRows } from './model.ts'
import { BrokenLaw, Simulation } from './simulation.ts'

const STEPS = 60

const sorted = (rows: ReadonlyMap<string, unknown>): string =>
  JSON.stringify(
    [...rows].map(([id, row]) => [id, row === undefined ? null : Object.entries(row as object).sort()]).sort(),
  )

/** Runs one schedule and checks every law at its end. @throws {@link BrokenLaw} naming the seed. */
export const checkLaws = (seed: number): void => {
  const world = new Simulation(seed)
  world.run(STEPS)
  for (const { log } of world.replicas) log.commit()
  world.settle()
  const broken = (law: string): never => {
    throw new BrokenLaw(`SEED=${seed}: ${law}`)
  }
  const expected = sorted(modelRows(world.writes))
  for (const { log, device } of world.replicas) {
    const rows = sorted(Simulation.rowsOf(log))
    if (rows !== expected) broken(`${device} does not show what the last writers wrote:\n${rows}\n${expected}`)
    if (sorted(Simulation.rowsOf(Simulation.reload(log))) !== rows)
      broken(`${device} shows other rows after loading its document again`)
    if (log.refused > 0) broken(`${device} refused ${log.refused} elements`)
  }
  world.tidy()
  for (const { log, device } of world.replicas) {
    const left = [...log.entries.values()].flatMap(useless)
    if (left.length > 0) broken(`${device} still holds ${left.length} superseded patches`)
  }
  const [first] = world.replicas
  const empty = first === undefined ? 0 : deadSegments(first.log)
  if (empty > 0) broken(`${empty} sealed segments without a live patch are left`)
}

/** Patches of which no field shows, found the slow way; those of a block go with it. */
const useless = ({ patches: all }: Entry): readonly unknown[] => {
  const purge = all.findLastIndex(({ shape }) => shape.fields.has('purgedAt'))
  const patches = all.slice(purge + 1)
  const winners = new Map<string, (typeof patches)[number]>()
  for (const patch of patches)
    for (const field of patch.shape.fields) {
      const best = winners.get(field)
      if (best === undefined || comparePatches(patch, best) > 0) winners.set(field, patch)
    }
  const winning = new Set(winners.values())
  const left = [...all.slice(0, Math.max(purge, 0)), ...patches.filter((patch) => !winning.has(patch))]
  return left.filter(({ segment }) => segment.block === undefined)
}

const deadSegments = ({ document }: RowLog): number => {
  const lists = document.getArray<Y.Array<unknown>>('log').toArray()
  return lists.filter((list) => {
    const elements = list.toArray()
    return elements.some((element) => Object.hasOwn(element as object, 'sealed')) && !elements.some(Array.isArray)
  }).length
}
