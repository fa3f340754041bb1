// Hostile input at length: mutated updates at the decoder, and damaged frames against a relay with honest clients in the room.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { constants, setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { attackDecoder } from '../../server/testing/decoder-attack.ts'
import { honestState, percentile, startHonestLoad } from '../../server/testing/honest-load.ts'
import { tokenFor } from '../../server/testing/tokens.ts'
import { startRelayProcess } from './relay-process.ts'

/** At a time; each comes back under another name again and again. */
const ATTACKERS = 4
/** The quiet before the attack, and again after it: a disk that others use is not the same all the time. */
const QUIET_MS = 20_000
const MEBIBYTE = 1024 * 1024

/** Attacks the decoder with so many mutated updates; throws if one that it accepts breaks a document. */
export const attackDecoderAtLength = (count: number, seed: number): string => {
  const start = performance.now()
  const counts = attackDecoder(seed, count)
  return `decoder: ${count} mutated updates in ${Math.round((performance.now() - start) / 1000)} s, ${JSON.stringify(counts)}`
}

/** Attacks a relay with so many damaged frames, and says what honest clients noticed. */
export const attackRelayAtLength = async (frames: number, seed: number): Promise<string> => {
  const relay = await startRelayProcess()
  const honest = await startHonestLoad(relay.url, 'd', (subject) => tokenFor(subject, { lifetimeS: 36_000 }))
  const attack = (count: number, at: number) => attackFromProcess(relay.url, count, at)
  // Once before measuring, so that code is compiled and rooms are loaded.
  await attack(ATTACKERS * 5, seed + 1000)
  const before = await honest.run(QUIET_MS)
  const memoryBefore = await relay.memory()
  let isDone = false
  const busy: number[] = []
  const attacking = attack(frames, seed).finally(() => {
    isDone = true
  })
  const start = performance.now()
  while (!isDone) busy.push(...(await honest.run(1000)))
  const counts = await attacking
  const seconds = Math.round((performance.now() - start) / 1000)
  busy.sort((a, b) => a - b)
  const growth = ((await relay.memory()) - memoryBefore) / MEBIBYTE
  const quiet = [...before, ...(await honest.run(QUIET_MS))].sort((a, b) => a - b)
  console.error(
    `attacked: honest p50 / p99 quiet ${times(quiet)} ms, under attack ${times(busy)} ms; growth ${growth.toFixed(1)} MiB`,
  )
  const found = await honestState(relay.url, 'd', await tokenFor('newcomer'))
  const changed = [...honest.written].filter(([key, value]) => found.get(key) !== value).length
  const { exits } = relay
  honest.close()
  await relay.stop()
  return [
    `live: ${counts.sent} damaged frames in ${seconds} s, ${counts.closed} of them closed their channel or socket`,
    `exits ${exits}, honest clients disturbed ${honest.isDisturbed}, honest values ${found.size}, of them changed ${changed}`,
    `honest p50 / p99 quiet ${times(quiet)} ms, under attack ${times(busy)} ms; memory growth ${growth.toFixed(1)} MiB`,
  ].join('\n  ')
}

/** Attackers have a process of their own and step back, so that they take no time from the relay and the clients that measure. */
const attackFromProcess = async (
  url: string,
  frames: number,
  seed: number,
): Promise<{ sent: number; closed: number }> => {
  const module = fileURLToPath(new URL('./attackers.ts', import.meta.url))
  const child = fork(module, [url, String(frames), String(seed), String(ATTACKERS)], { execArgv: ['--import', 'tsx'] })
  if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW)
  const [counts] = (await once(child, 'message')) as [{ sent: number; closed: number }]
  return counts
}

const times = (sorted: readonly number[]): string =>
  `${percentile(sorted, 0.5).toFixed(1)} / ${percentile(sorted, 0.99).toFixed(1)}`
