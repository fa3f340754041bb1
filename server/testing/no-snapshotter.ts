// A snapshotter for tests that need none: it does nothing and says so.
import type { Snapshotter } from '../room/snapshotter.ts'

const refuse = (): Promise<never> => Promise.reject(new Error('not here'))

/** Refuses everything but what it is given. */
export const noSnapshotter = (parts: Partial<Snapshotter> = {}): Snapshotter => ({
  make: refuse,
  digest: refuse,
  close: async () => {},
  ...parts,
})
