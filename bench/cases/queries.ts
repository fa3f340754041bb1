// Queries: once by index, and live under changes, each result checked against what plain arrays give.
import * as prng from 'lib0/prng'
import * as Y from 'yjs'
import { type BenchCase, type CaseResult, type Figures, type Line, SUBJECT } from '../bench-case.ts'
import { summarize } from '../measure.ts'
import type { Peer } from '../peer.ts'
import type { BenchTask, QueryData, QueryPeer, QueryTables, Soon, Stop } from '../query-peer.ts'

const PROJECTS = 1000
const TOP = 50
/** For how long a figure is measured at most, unless it takes longer to do it twice. */
const BUDGET_MS = 2000
const CHUNK = 50
const CHUNK_MS = 50
const MOST_CHUNKS = 300
/** So that what happens once in a while, a compaction say, is not taken for what is measured; fewer of what takes seconds. */
const LEAST_CHUNKS = 3
const LEAST_CHUNKS_MS = 8000
/** What takes longer gains nothing by being warm. */
const SLOW_US = 250_000
/** A peer that takes longer than this for one change with one listener is not asked with a thousand. */
const MANY_LISTENERS_MS = 10
/** How long 1,000 live queries may take to begin, in milliseconds. */
const PATIENCE_MS = 40_000
/** What a live change may cost in queries, in microseconds. */
const WORK_US = 20
/** What building an index may cost a row and column. */
const BUILD_US = 1

/** What is asked again and again. Even and odd rounds undo each other, so that every figure starts from the same rows. */
interface Round {
  readonly change: (at: number) => Soon<void>
  /** How often listeners have been called in all. */
  readonly heard: () => number
  /** How many listeners must hear of each change. */
  readonly listeners: number
  /** Finishes what the library puts off. */
  readonly settle: (() => Promise<void>) | undefined
}

/**
 * Times queries and changes, as the processor counts. A change is over when every listener has been given the rows it follows and the event
 * loop has turned once. What a library puts off even longer (Merrow: the commit of writes that come turn after turn) it must finish at the
 * end of each chunk of 50 changes, within the time that is counted; a lone write, at the end of each. What live queries add is a change
 * less the same write without any. Ranges have 100 rows, equality finds `rows / 1000`, top lists 50. Of peers without live joins and
 * groups these are not measured.
 */
export const benchCase: BenchCase = {
  title: `${TOP} top rows, equality and ranges by index; changes under 1 to 1,000 live queries; a join with ${PROJECTS} projects; counts a project`,
  isExact: false,
  needsStored: false,
  peers: 'query-peers',
  takes: () => true,
  async measure(given, { rows, seed }) {
    const peer = given as Peer & QueryPeer
    const data = createQueryData(rows, seed)
    const tables = await peer.open(data)
    const figures = { ...(await measureOnce(tables, data)), ...(await measureLive(tables, data)), bound: WORK_US }
    return peer.name === SUBJECT ? { ...figures, bareCounts: await measureBareCounts(data.tasks) } : figures
  },
  lines: (result) => [
    ...beside(result, 'equality by index', 'equal', 1),
    ...beside(result, 'range by index', 'range', 1),
    ...beside(result, `top ${TOP}`, 'top', 1),
    ...beside(result, 'a lone write that no query follows', 'alone', undefined),
    ...beside(result, 'such writes, turn after turn', 'write', undefined),
    ...beside(result, 'change in a live top 50', 'change1', 0.2),
    ...beside(result, 'the same with 100 listeners', 'change100', 0.2),
    ...beside(result, 'the same with 1,000 listeners', 'change1000', 0.2),
    ...beside(result, 'a move within the top 50', 'move', 0.2),
    ...beside(result, 'change under 1,000 disjoint live queries', 'disjoint1000', 0.2),
    ...beside(result, 'project renamed under a live join', 'rename', 0.2),
    ...beside(result, 'task moved under live counts', 'counts', 0.2),
    ...beside(result, 'of which live counts add to the write', 'countsWork', 0.2),
    ...ownLine(
      result,
      'task moved under live counts, beside a bare Y.Map with counts by hand',
      'counts',
      'bareCounts',
      undefined,
    ),
    ...ownLine(result, 'a live top 50 adds to a write', 'work', 'bound', 1),
    ...ownLine(result, 'and to one that moves a row', 'moveWork', 'bound', 1),
    ...ownLine(result, 'hash index built, a row', 'hashBuild', 'buildBound', 1),
    ...ownLine(result, 'ordered index built, a row', 'orderedBuild', 'buildBound', 1),
    ...ownLine(result, 'disjoint live queries', 'disjoint1000', 'disjoint1', 2),
  ],
}

/** Lines for the peers that were measured for a figure. */
const beside = (result: CaseResult, title: string, figure: string, atMost: number | undefined): Line[] =>
  Object.keys(result)
    .filter((peer) => peer !== SUBJECT && result[peer]?.[figure] !== undefined)
    .map((peer) => ({ title, unit: 'µs', subject: { peer: SUBJECT, figure }, yardstick: { peer, figure }, atMost }))

const ownLine = (
  result: CaseResult,
  title: string,
  figure: string,
  yardstick: string,
  atMost: number | undefined,
): Line[] =>
  result[SUBJECT]?.[figure] === undefined
    ? []
    : [
        {
          title,
          unit: 'µs',
          subject: { peer: SUBJECT, figure },
          yardstick: { peer: SUBJECT, figure: yardstick },
          atMost,
        },
      ]

const createQueryData = (rows: number, seed: number): QueryData => {
  const random = prng.create(seed)
  const priorities = Array.from({ length: rows }, (_, at) => at)
  for (let at = rows - 1; at > 0; at--) {
    const other = prng.int31(random, 0, at)
    const [a, b] = [priorities[at] as number, priorities[other] as number]
    priorities[at] = b
    priorities[other] = a
  }
  const tasks = priorities.map((priority, at) => ({
    id: `task-${at}`,
    title: prng.word(random, 16, 24),
    done: prng.bool(random),
    // Even ones, so that there is room between them to move to.
    priority: priority * 2,
    projectId: `project-${at % PROJECTS}`,
  }))
  const projects = Array.from({ length: PROJECTS }, (_, at) => ({ id: `project-${at}`, name: `Project ${at}` }))
  return JSON.parse(JSON.stringify({ tasks, projects })) as QueryData
}

const measureOnce = async (tables: QueryTables, { tasks }: QueryData): Promise<Figures> => {
  const projectOf = (at: number): string => `project-${(at * 7) % PROJECTS}`
  const lowOf = (at: number): number => (at * 7919) % (2 * tasks.length - 200)
  const topOf = sortedTop(tasks)
  // Merrow builds an index when it is first used.
  const builds = {
    hashBuild: (await processorUs(async () => void (await tables.equal(projectOf(0))))) / tasks.length,
    orderedBuild: (await processorUs(async () => void (await tables.range(lowOf(0), lowOf(0) + 1)))) / tasks.length,
    buildBound: BUILD_US,
  }
  for (let at = 0; at < 5; at++) {
    const inProject = tasks.filter(({ projectId }) => projectId === projectOf(at))
    assertRows('equality', await tables.equal(projectOf(at)), inProject, false)
    const low = lowOf(at)
    const inRange = tasks.filter(({ priority }) => priority >= low && priority < low + 200)
    assertRows('range', await tables.range(low, low + 200), inRange, false)
    assertRows('top', await tables.top(TOP), topOf, true)
  }
  return {
    ...builds,
    equal: await timeQuery((at) => tables.equal(projectOf(at))),
    range: await timeQuery((at) => tables.range(lowOf(at), lowOf(at) + 200)),
    top: await timeQuery(() => tables.top(TOP)),
  }
}

const measureLive = async (tables: QueryTables, { tasks }: QueryData): Promise<Figures> => {
  const top = sortedTop(tasks)
  const figures: Record<string, number> = {}
  const retitle = (at: number): Soon<void> => {
    const task = top[(at >> 1) % TOP] as BenchTask
    return tables.updateTask(task.id, { title: at % 2 === 0 ? `new ${at}` : task.title })
  }
  // Between two others of the top, and back.
  const reorder = (at: number): Soon<void> => {
    const task = top[(at >> 1) % TOP] as BenchTask
    const other = top[((at >> 1) + 7) % TOP] as BenchTask
    return tables.updateTask(task.id, { priority: at % 2 === 0 ? other.priority + 1 : task.priority })
  }
  const { settle } = tables
  const alone = async (at: number): Promise<void> => {
    await retitle(at)
    await settle?.()
  }
  figures['alone'] = await timeRounds({ change: alone, heard: () => 0, listeners: 0, settle })
  figures['write'] = await timeRounds({ change: retitle, heard: () => 0, listeners: 0, settle })
  const timeFollowed = (...given: Followed): Promise<number | undefined> => timeListened(settle, ...given)
  const followTop = (onRows: (rows: readonly BenchTask[]) => void) => tables.followTop(TOP, onRows)
  for (const count of [1, 100, 1000]) {
    const found = await timeFollowed(count, followTop, retitle, { rows: top })
    if (found === undefined) break
    figures[`change${count}`] = found
    if (found > MANY_LISTENERS_MS * 1000) break
  }
  // Both twice, since what goes first pays for what follows.
  const again = await timeFollowed(1, followTop, retitle, { rows: top })
  const writeAgain = await timeRounds({ change: retitle, heard: () => 0, listeners: 0, settle })
  figures['change1'] = Math.min(figures['change1'] as number, again ?? Number.POSITIVE_INFINITY)
  figures['write'] = Math.min(figures['write'] as number, writeAgain)
  figures['work'] = Math.max(0, (figures['change1'] as number) - (figures['write'] as number))
  const reordered = await timeRounds({ change: reorder, heard: () => 0, listeners: 0, settle })
  figures['move'] = (await timeFollowed(1, followTop, reorder, { rows: top })) as number
  figures['moveWork'] = Math.max(0, figures['move'] - reordered)
  const inProject = (at: number): readonly BenchTask[] =>
    tasks.filter(({ projectId }) => projectId === `project-${at}`).sort((a, b) => b.priority - a.priority)
  const first = inProject(0)
  const retitleFirst = (at: number): Soon<void> => {
    const task = first[(at >> 1) % first.length] as BenchTask
    return tables.updateTask(task.id, { title: at % 2 === 0 ? `new ${at}` : task.title })
  }
  for (const count of [1, PROJECTS]) {
    const follow = (onRows: (rows: readonly BenchTask[]) => void, at: number) =>
      tables.followProject(`project-${at}`, onRows)
    const found = await timeFollowed(count, follow, retitleFirst, { rows: first, isDisjoint: true })
    if (found === undefined) break
    figures[`disjoint${count}`] = found
    if (found > MANY_LISTENERS_MS * 1000) break
  }
  return { ...figures, ...(await measureJoin(tables, tasks)), ...(await measureCounts(tables, tasks)) }
}

type Followed = [
  count: number,
  follow: (onRows: (rows: readonly BenchTask[]) => void, at: number) => Soon<Stop>,
  change: (at: number) => Soon<void>,
  expected: { readonly rows: readonly BenchTask[]; readonly isDisjoint?: boolean },
]

/** Times changes under so many listeners; undefined if these alone would take minutes to begin. */
const timeListened = async (
  settle: Round['settle'],
  ...[count, follow, change, expected]: Followed
): Promise<number | undefined> => {
  let heard = 0
  let last: readonly BenchTask[] = []
  const stops: Stop[] = []
  const stop = (): void => stops.forEach((each) => each())
  let start = 0
  for (let at = 0; at < count; at++) {
    // The first one may do what the others share.
    if (at === 1) start = performance.now()
    const onRows = (rows: readonly BenchTask[]): void => {
      if (expected.isDisjoint === true && at > 0) return
      heard += 1
      last = rows
    }
    stops.push(await follow(onRows, at))
    if (at === 9 && (performance.now() - start) * (count / 9) > PATIENCE_MS) {
      stop()
      return undefined
    }
  }
  const listeners = expected.isDisjoint === true ? 1 : count
  const result = await timeRounds({ change, heard: () => heard, listeners, settle })
  assertRows('a live result', last, expected.rows, true)
  stop()
  return result
}

const measureJoin = async (tables: QueryTables, tasks: readonly BenchTask[]): Promise<Figures> => {
  if (tables.followJoin === undefined) return {}
  let heard = 0
  let names: readonly string[] = []
  const stop = await tables.followJoin((changed) => {
    heard += 1
    names = changed
  })
  const change = (at: number): Soon<void> => {
    const number = (at >> 1) % PROJECTS
    return tables.renameProject(`project-${number}`, at % 2 === 0 ? `Renamed ${number}` : `Project ${number}`)
  }
  const rename = await timeRounds({ change, heard: () => heard, listeners: 1, settle: tables.settle })
  if (names.length !== tasks.length / PROJECTS || !names.every((name) => name.startsWith('Project ')))
    throw new Error(`A rename was told as ${names.length} rows, ${names[0]}.`)
  stop()
  return { rename }
}

const measureCounts = async (tables: QueryTables, tasks: readonly BenchTask[]): Promise<Figures> => {
  if (tables.followCounts === undefined) return {}
  let heard = 0
  let read: (projectId: string) => number = () => 0
  const stop = await tables.followCounts((given) => {
    heard += 1
    read = given
  })
  const change = (at: number): Soon<void> => {
    const task = tasks[((at >> 1) * 31) % tasks.length] as BenchTask
    return tables.updateTask(task.id, { projectId: at % 2 === 0 ? nextProject(task) : task.projectId })
  }
  const counts = await timeRounds({ change, heard: () => heard, listeners: 1, settle: tables.settle })
  for (const project of ['project-0', 'project-31'])
    if (read(project) !== tasks.length / PROJECTS) throw new Error(`${project} has ${read(project)} tasks.`)
  stop()
  // The same writes with nobody to tell, last: all that they run is warm then.
  const write = await timeRounds({ change, heard: () => 0, listeners: 0, settle: tables.settle })
  return { counts, countsWork: Math.max(0, counts - write) }
}

/** The same moves in a bare document, a map a task, by which an observer counts; nothing is stored. */
const measureBareCounts = async (tasks: readonly BenchTask[]): Promise<number> => {
  const doc = new Y.Doc()
  const maps = doc.getMap<Y.Map<unknown>>('tasks')
  doc.transact(() => {
    for (const { id, ...columns } of tasks) maps.set(id, new Y.Map(Object.entries(columns)))
  })
  const counts = new Map<unknown, number>()
  for (const { projectId } of tasks) counts.set(projectId, (counts.get(projectId) ?? 0) + 1)
  let heard = 0
  maps.observeDeep((events) => {
    for (const { target, changes } of events)
      for (const [column, { oldValue }] of changes.keys) {
        const is = (target as Y.Map<unknown>).get(column)
        counts.set(oldValue, (counts.get(oldValue) ?? 0) - 1)
        counts.set(is, (counts.get(is) ?? 0) + 1)
      }
    heard += 1
  })
  let bytes = 0
  doc.on('update', (update: Uint8Array) => {
    bytes += update.length
  })
  const change = (at: number): void => {
    const task = tasks[((at >> 1) * 31) % tasks.length] as BenchTask
    maps.get(task.id)?.set('projectId', at % 2 === 0 ? nextProject(task) : task.projectId)
  }
  const time = await timeRounds({ change, heard: () => heard, listeners: 1, settle: undefined })
  if (bytes === 0 || counts.get('project-31') !== tasks.length / PROJECTS)
    throw new Error('The bare document has lost count.')
  return time
}

const nextProject = ({ projectId }: BenchTask): string => `project-${(Number(projectId.slice(8)) + 1) % PROJECTS}`

const processorUs = async (work: () => Promise<void>): Promise<number> => {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

const timeQuery = (query: (at: number) => Soon<unknown>): Promise<number> =>
  timeEach(async (at) => void (await query(at)))

const timeRounds = ({ change, heard, listeners, settle }: Round): Promise<number> =>
  timeEach(async (at) => {
    const wanted = heard() + listeners
    await change(at)
    do await new Promise((resolve) => setImmediate(resolve))
    while (heard() < wanted)
  }, settle)

/**
 * Microseconds that the processor spends on one of an even number of calls, the median of chunks of them: so what others do on the
 * machine meanwhile, and a garbage collection now and then, do not count.
 */
const timeEach = async (once: (at: number) => Promise<void>, settle?: () => Promise<void>): Promise<number> => {
  let at = 0
  const chunk = async (): Promise<number> => {
    const before = process.cpuUsage()
    const start = performance.now()
    const first = at
    while (at - first < CHUNK && (at % 2 === 1 || at === first || performance.now() - start < CHUNK_MS))
      await once(at++)
    if (settle !== undefined) await settle()
    const { user, system } = process.cpuUsage(before)
    return (user + system) / (at - first)
  }
  const repeat = async (budgetMs: number): Promise<number[]> => {
    const start = performance.now()
    const chunks = [await chunk()]
    const isDue = (): boolean => {
      const spentMs = performance.now() - start
      return spentMs < budgetMs || (chunks.length < LEAST_CHUNKS && spentMs < LEAST_CHUNKS_MS)
    }
    while (chunks.length < MOST_CHUNKS && isDue()) chunks.push(await chunk())
    return chunks
  }
  const warm = summarize(await repeat(BUDGET_MS)).median
  if (warm > SLOW_US) return warm
  globalThis.gc?.()
  return summarize(await repeat(BUDGET_MS)).median
}

const sortedTop = (tasks: readonly BenchTask[]): readonly BenchTask[] =>
  [...tasks].sort((a, b) => b.priority - a.priority).slice(0, TOP)

const assertRows = (
  what: string,
  found: readonly BenchTask[],
  expected: readonly BenchTask[],
  isOrdered: boolean,
): void => {
  const list = (rows: readonly BenchTask[]): string => {
    const texts = rows.map(({ id, title, done, priority, projectId }) =>
      JSON.stringify([id, title, done, priority, projectId]),
    )
    return (isOrdered ? texts : texts.sort()).join('\n')
  }
  if (list(found) !== list(expected))
    throw new Error(`A peer gives other rows for ${what}:\n${list(found).slice(0, 400)}`)
}
