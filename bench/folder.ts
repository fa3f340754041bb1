// Finds cases and peers by reading their folders. Knows the names that their files export.
import { readdirSync } from 'node:fs'
import type { BenchCase } from './bench-case.ts'
import type { Peer } from './peer.ts'

const namesIn = (folder: string): string[] =>
  readdirSync(new URL(folder, import.meta.url))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort()

/** Names of all cases. */
export const caseNames = (): string[] => namesIn('./cases/')
/** Names of all peers. */
export const peerNames = (): string[] => namesIn('./peers/')

/** The case of `cases/<name>.ts`. */
export const loadCase = async (name: string): Promise<BenchCase> =>
  ((await import(`./cases/${name}.ts`)) as { readonly benchCase: BenchCase }).benchCase
/** The peer of `peers/<name>.ts`. */
export const loadPeer = async (name: string): Promise<Peer> =>
  ((await import(`./peers/${name}.ts`)) as { readonly peer: Peer }).peer
