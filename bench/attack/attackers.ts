// The attackers of one relay, as a process of their own: half of them may read the room, half may write to it.
import { attackRelay } from '../../server/testing/live-attack.ts'
import { tokenFor } from '../../server/testing/tokens.ts'

const [url = '', frames, seed, attackers] = process.argv.slice(2)
const token = (subject: string): Promise<string> =>
  tokenFor(subject, {
    lifetimeS: 36_000,
    grants: { fence: 'read', d: Number(subject.at(-1)) % 2 === 0 ? 'read' : 'write' },
  })
const counts = await attackRelay({
  url,
  document: 'd',
  token,
  seed: Number(seed),
  frames: Number(frames),
  attackers: Number(attackers),
})
process.send?.(counts)
process.disconnect()
