// A room of 1,000 clients.
import { fanOutCase, LARGE_ROOM_AIMS } from '../relay/fan-out.ts'

/** Ten of them write. */
export const benchCase = fanOutCase(
  { rooms: 1, members: 1000, writers: 10, window: 10, updates: 2000, perSecond: 20 },
  LARGE_ROOM_AIMS,
)
