// Attacks at length, by command: `npm run attack -- decoder 1000000 | live 100000 | slow 100 1000 | tokens 1000`, with SEED=n.
import { outliveTokens } from './expiry.ts'
import { attackDecoderAtLength, attackRelayAtLength } from './hostile.ts'
import { pauseClients } from './slow.ts'

const [kind, first, second] = process.argv.slice(2)
const seed = Number(process.env['SEED'] ?? 1)
const count = Number(first)

switch (kind) {
  case 'decoder':
    console.log(attackDecoderAtLength(count || 1_000_000, seed))
    break
  case 'live':
    console.log(await attackRelayAtLength(count || 100_000, seed))
    break
  case 'slow':
    console.log(await pauseClients(count || 100, Number(second ?? 1000)))
    break
  case 'tokens':
    console.log(await outliveTokens(count || 1000))
    break
  default:
    console.error('Say what: decoder [updates], live [frames], slow [paused] [all], tokens [sessions]. SEED=n replays.')
    process.exitCode = 2
}
