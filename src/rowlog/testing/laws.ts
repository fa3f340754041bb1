// The laws of the row log, checked on one seeded schedule. Knows the simulation and the model.
import * as Y from 'yjs'
import { StampClock } from '../../stamp.ts'
import { createDocument } from '../document.ts'
import type { Entry } from '../entry.ts'
import { RowLog } from '../log.ts'
import { comparePatches } from '../segment.ts'
import { modelRows } from './model.ts'
import { BrokenLaw, Simulation } from './simulation.ts'

const STEPS = 60
/** For laws that need two documents that differ, and no more. */
const FEW_STEPS = 25

const sorted = (rows: ReadonlyMap<string, unknown>): string =>
  JSON.stringify(
    [...rows].map(([id, row]) => [id, row === undefined ? null : Object.entries(row as object).sort()]).sort(),
  )

/** Runs one schedule and checks every law at its end. @throws {@link BrokenLaw} naming the seed. */
export const checkLaws = (seed: number): void => {
  const world = new Simulation(seed)
  world.run(STEPS)
  const broken = (law: string): never => {
    throw new BrokenLaw(`SEED=${seed}: ${law}`)
  }
  const expected = sorted(modelRows(world.writes))
  for (const { log, device } of world.replicas) {
    const rows = sorted(Simulation.rowsOf(log))
    if (rows !== expected) broken(`${device} does not show what the last writers wrote:\n${rows}\n${expected}`)
    const state = log.encode()
    if (sorted(Simulation.rowsOf(Simulation.reload(state))) !== rows)
      broken(`${device} shows other rows after loading its document again`)
    const ahead = Simulation.reader()
    ahead.show([state], 0)
    if (ahead.isWhole) broken(`${device} holds what only Yjs can read`)
    if (sorted(Simulation.rowsOf(ahead)) !== rows) broken(`${device} shows other rows before its document has them`)
    if (log.refused > 0) broken(`${device} refused ${log.refused} elements`)
    if (!log.isIntact) broken(`${device} takes for lost what was only replaced`)
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

/** Updates of replicas that have drifted apart. */
const updatesApart = (seed: number): readonly Uint8Array[] => {
  const world = new Simulation(seed)
  world.drift(FEW_STEPS)
  return world.replicas.map(({ log }) => log.encode())
}

/** The rows of a replica to which updates come one after another. */
const rowsAfter = (updates: readonly Uint8Array[]): string => {
  const log = Simulation.reader()
  for (const update of updates) Y.applyUpdate(log.document, update, 'peer')
  return sorted(Simulation.rowsOf(log))
}

/** What a server without rows makes of two updates. */
const merged = (...updates: readonly Uint8Array[]): Uint8Array => {
  const server = createDocument()
  for (const update of updates) Y.applyUpdate(server, update)
  return Y.encodeStateAsUpdate(server)
}

const same = (seed: number, law: string, one: string, other: string): void => {
  if (one !== other) throw new BrokenLaw(`SEED=${seed}: ${law}:\n${one}\n${other}`)
}

/** The order in which updates come changes no row. */
export const checkCommutative = (seed: number): void => {
  const updates = updatesApart(seed)
  same(seed, 'merging is not commutative', rowsAfter(updates), rowsAfter(updates.toReversed()))
}

/** Which updates were merged with each other before changes no row. */
export const checkAssociative = (seed: number): void => {
  const [a, b, c = b] = updatesApart(seed) as [Uint8Array, Uint8Array, Uint8Array?]
  const [left, right] = [merged(merged(a, b), c), merged(a, merged(b, c))]
  same(seed, 'merging is not associative', rowsAfter([left]), rowsAfter([right]))
}

/** An update that comes again changes no row. */
export const checkIdempotent = (seed: number): void => {
  const updates = updatesApart(seed)
  same(seed, 'merging is not idempotent', rowsAfter(updates), rowsAfter([...updates, ...updates, merged(...updates)]))
}

/** Several replicas that clear away at once change no row. */
export const checkCompaction = (seed: number): void => {
  const world = new Simulation(seed)
  world.run(FEW_STEPS)
  const rows = (log: RowLog): string =>
    sorted(new Map([...Simulation.rowsOf(log)].filter(([id]) => !id.startsWith('tidy'))))
  const before = world.replicas.map(({ log }) => rows(log))
  world.tidyAtOnce()
  for (const [at, { log }] of world.replicas.entries()) {
    same(seed, 'clearing away at once changed rows', before[at] as string, rows(log))
    same(seed, 'clearing away at once changed what is loaded', rows(log), rows(Simulation.reload(log.encode())))
  }
}

/** A log that goes on with another document shows the same rows, whoever merges that with the former one, and can be written to. */
export const checkRenewed = (seed: number): void => {
  const world = new Simulation(seed)
  world.run(FEW_STEPS)
  for (const { log } of world.replicas) {
    const before = sorted(Simulation.rowsOf(log))
    const former = log.encode()
    let told = 0
    log.onUpdate(() => {
      told += 1
    })
    const update = log.renew()
    same(seed, 'another document changed rows', before, sorted(Simulation.rowsOf(log)))
    same(seed, 'another document changed what is loaded', before, sorted(Simulation.rowsOf(Simulation.reload(update))))
    same(seed, 'merged with the former one it changed rows', before, rowsAfter([former, update]))
    const clients = (state: Uint8Array): readonly number[] => [
      ...Y.decodeStateVector(Y.encodeStateVectorFromUpdate(state)).keys(),
    ]
    const shared = clients(update).filter((client) => clients(former).includes(client))
    if (shared.length + told > 0) throw new BrokenLaw(`SEED=${seed}: ${shared.length} clocks are shared, ${told} told`)
    log.stage('renewed', true, ['a'], [1])
    log.commit()
    const written = sorted(Simulation.rowsOf(Simulation.reload(log.encode())))
    same(seed, 'a write after it is not in the document', sorted(Simulation.rowsOf(log)), written)
    if (told === 0) throw new BrokenLaw(`SEED=${seed}: a write after it was not told`)
  }
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

/** Four replicas pack the same rows, and clear away copies, without knowing of one another: no row may lose its last copy. */
export const checkPackedApart = (): void => {
  let nowMs = 1_700_000_000_000
  const open = (device: string): RowLog =>
    new RowLog({ replica: `${device}.0`, author: device, clock: new StampClock(() => nowMs++) })
  const give = (to: RowLog, ...updates: readonly Uint8Array[]): void => {
    for (const update of updates) Y.applyUpdate(to.document, update, 'peer')
  }
  const write = (log: RowLog, id: string): void => {
    log.stage(id, true, ['a'], [id])
    log.commit()
  }
  const [ann, ben, cem, dan] = [open('ann'), open('ben'), open('cem'), open('dan')]
  for (let at = 0; at < 3; at++) write(ann, `r${at}`)
  give(ben, ann.encode())
  ann.pack()
  ben.pack()
  give(cem, ann.encode(), ben.encode())
  write(cem, 'cem')
  ann.pack()
  give(dan, ann.encode(), ben.encode())
  write(dan, 'dan')
  const all = [ann, ben, cem, dan]
  const updates = all.map((log) => log.encode())
  for (const log of all) give(log, ...updates)
  for (const log of all)
    if (Simulation.rowsOf(log).size !== 5) throw new BrokenLaw(`${log.replica} has lost rows that several packed apart`)
}
