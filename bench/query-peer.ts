// The port of the query bench: what a library must do to be measured by it. Each file in `query-peers/` exports one `peer`. Knows no library.

/** A task, as every peer takes and gives it. Priorities are all different. */
export interface BenchTask {
  readonly id: string
  readonly title: string
  readonly done: boolean
  readonly priority: number
  readonly projectId: string
}

/** A project. */
export interface BenchProject {
  readonly id: string
  readonly name: string
}

/** All rows to begin with. */
export interface QueryData {
  readonly tasks: readonly BenchTask[]
  readonly projects: readonly BenchProject[]
}

/** Ends a subscription. */
export type Stop = () => void

/** What may take its time. */
export type Soon<T> = T | Promise<T>

/** A filled database, its columns `projectId` and `priority` indexed as far as the library can. */
export interface QueryTables {
  /** The tasks of a project, in whatever order. */
  equal(projectId: string): Soon<readonly BenchTask[]>
  /** The tasks with a priority in a range, the upper end not included, in whatever order. */
  range(low: number, high: number): Soon<readonly BenchTask[]>
  /** The tasks of highest priority, highest first. */
  top(count: number): Soon<readonly BenchTask[]>
  /** Writes some columns of a task, as one transaction. */
  updateTask(id: string, patch: Partial<BenchTask>): Soon<void>
  /**
   * Finishes what the library puts off beyond the turn of the event loop in which it was written: of Merrow the commit to its document, and
   * that to storage. Absent where nothing is.
   */
  readonly settle?: () => Promise<void>
  /** Renames a project. */
  renameProject(id: string, name: string): Soon<void>
  /** Follows {@link top}: `onRows` is given the rows after each change of them. */
  followTop(count: number, onRows: (rows: readonly BenchTask[]) => void): Soon<Stop>
  /** Follows the tasks of a project, highest priority first. */
  followProject(projectId: string, onRows: (rows: readonly BenchTask[]) => void): Soon<Stop>
  /** Follows all tasks, each with its project's name: `onChanged` is told of those that changed. Absent where the library has no live joins. */
  readonly followJoin?: (onChanged: (names: readonly string[]) => void) => Soon<Stop>
  /** Follows how many tasks each project has: `onCounts` is given a way to read it. Absent where the library has no live groups. */
  readonly followCounts?: (onCounts: (read: (projectId: string) => number) => void) => Soon<Stop>
}

/** A library that is measured. */
export interface QueryPeer {
  readonly name: string
  /** The npm packages it stands on, whose versions the report names. */
  readonly packages: readonly string[]
  /** Opens a database and fills it. */
  open(data: QueryData): Promise<QueryTables>
}
