// The attackers of one relay, as a process of their own: half of them may read the room, half may write to it.
import { attackRelay } from '../../server/testing/live-attack.ts'
import { tokenFor } from '../../server/testing/tokens.ts'

/** What is refused of so many is within what a user may have refused at once. */
const FRAMES_PER_SUBJECT = 200

const [url = '', frames, seed, attackers] = process.argv.slice(2)
const token = (subject: string): Promise<string> =>
  tokenFor(subject, {
    lifetimeS: 36_000,
    grants: { fence: 'write', d: Number(subject.at(-1)) % 2 === 0 ? 'read' : 'write' },
  })
const counts = await attackRelay({
  url,
  document: 'd',
  token,
  seed: Number(seed),
  frames: Number(frames),
  attackers: Number(attackers),
  framesPerSubject: FRAMES_PER_SUBJECT,
})
process.send?.(counts)
process.disconnect()
