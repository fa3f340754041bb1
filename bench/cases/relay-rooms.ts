// 500 rooms of three clients.
import { fanOutCase } from '../relay/fan-out.ts'

/** One of each three writes. */
export const benchCase = fanOutCase({
  rooms: 500,
  members: 3,
  writers: 1,
  window: 1,
  updates: 20_000,
  perSecond: 1000,
})
