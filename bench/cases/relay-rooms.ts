// 500 rooms of three clients.
import { fanOutCase } from '../relay/fan-out.ts'

/** One of each three writes. Nobody's update waits for another's, so there is nothing to gather: no server can send less than bare `ws` does here. */
export const benchCase = fanOutCase(
  { rooms: 500, members: 3, writers: 1, window: 1, updates: 40_000, perSecond: 1000 },
  { delivered: {}, p99: {} },
)
