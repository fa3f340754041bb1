// A room of 100 clients.
import { fanOutCase, LARGE_ROOM_AIMS } from '../relay/fan-out.ts'

/** Ten of them write. */
export const benchCase = fanOutCase(
  { rooms: 1, members: 100, writers: 10, window: 10, updates: 10_000, perSecond: 200 },
  LARGE_ROOM_AIMS,
)
