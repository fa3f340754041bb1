// A live relay under attack, with honest clients in the same room.
import { expect, it, onTestFinished } from 'vitest'
import { SyncType } from '../src/sync/wire.ts'
import { openMemoryLog } from './log/memory.ts'
import { encodeAwareness, encodeSync } from './room/frame.ts'
import { createHub } from './room/hub.ts'
import { honestState, startHonestLoad } from './testing/honest-load.ts'
import { attackRelay, hostileVectors } from './testing/live-attack.ts'
import { joinAs } from './testing/member.ts'
import { noSnapshotter } from './testing/no-snapshotter.ts'
import { startRelay } from './testing/relay.ts'
import { JWT, tokenFor } from './testing/tokens.ts'
import { waitUntil } from './testing/wait.ts'

const SEED = Number(process.env['SEED'] ?? 11)

it.each(hostileVectors().map(({ name, bytes }) => [name, bytes] as const))(
  '[G1] the hostile update %s changes nothing, whatever frame brings it',
  async (_, bytes) => {
    const log = openMemoryLog()
    const hub = createHub({ log, snapshotter: noSnapshotter(), logger: () => {} })
    const other = joinAs(hub, 'd')
    await waitUntil('the member is greeted', () => other.frames.length === 1)
    const frames = [
      encodeSync(SyncType.update, bytes),
      encodeSync(SyncType.step2, bytes),
      encodeSync(SyncType.step1, bytes),
      encodeAwareness(bytes),
    ]
    for (const frame of frames) {
      const hostile = joinAs(hub, 'd')
      hostile.membership.receive(frame)
      await waitUntil('the frame is dealt with', () => hostile.closed !== undefined || hostile.frames.length > 1)
      hostile.membership.leave()
    }
    expect([(await log.read('d')).entries, other.frames.length, other.closed]).toEqual([[], 1, undefined])
  },
)

it('[G11] of 400 damaged frames none changes what honest clients wrote, and none of those is disturbed', async () => {
  const { url } = await startRelay({ jwt: JWT })
  const honest = await startHonestLoad(url, 'd', (subject) => tokenFor(subject))
  onTestFinished(() => honest.close())
  // Half of them may read alone; the others may write, and are held to what they may write.
  const token = (subject: string) =>
    tokenFor(subject, { grants: { fence: 'write', d: Number(subject.at(-1)) % 2 === 0 ? 'read' : 'write' } })
  const [counts] = await Promise.all([
    attackRelay({ url, document: 'd', token, seed: SEED, frames: 400, attackers: 4, framesPerSubject: 100 }),
    honest.run(1000),
  ])
  const found = await honestState(url, 'd', await tokenFor('newcomer'))
  expect(found).toEqual(honest.written)
  expect([counts.sent, honest.isDisturbed]).toEqual([400, false])
  expect(counts.closed).toBeGreaterThan(100)
})
