// What a command of the command line is: the port that each file beside this one implements. Knows none of them.

/** One command: `merrow <name>`. */
export interface Command {
  /** What `merrow <name> --help` prints. */
  readonly usage: string
  /**
   * Runs it.
   *
   * @param args - Arguments after the command's name, `--help` not among them.
   * @returns The exit code; 0 if nothing. A command that goes on (a relay) returns once it runs.
   * @throws {@link MerrowError} for what a user can mend: it is printed in a sentence, and the exit code is 1.
   */
  run(args: readonly string[], env: Readonly<NodeJS.ProcessEnv>): Promise<number | undefined>
}
