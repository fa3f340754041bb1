// Finds cases and peers by reading their folders. Knows the names that their files export.
import { readdirSync } from 'node:fs'
import { type BenchCase, SUBJECT } from './bench-case.ts'
import type { Peer } from './peer.ts'

const namesIn = (folder: string): string[] =>
  readdirSync(new URL(folder, import.meta.url))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort()

/** Names of all cases. */
export const caseNames = (): string[] => namesIn('./cases/')
/** A folder of peers. */
export type PeerFolder = 'peers' | 'query-peers' | 'relay-peers'
/** Names of all peers in a folder, the subject first. */
export const peerNames = (folder: PeerFolder = 'peers'): string[] => {
  const names = namesIn(`./${folder}/`)
  return [...names.filter((name) => name === SUBJECT), ...names.filter((name) => name !== SUBJECT)]
}

/** The case of `cases/<name>.ts`. */
export const loadCase = async (name: string): Promise<BenchCase> =>
  ((await import(`./cases/${name}.ts`)) as { readonly benchCase: BenchCase }).benchCase
/** The peer of `<folder>/<name>.ts`. */
export const loadPeer = async (name: string, folder: PeerFolder = 'peers'): Promise<Peer> =>
  ((await import(`./${folder}/${name}.ts`)) as { readonly peer: Peer }).peer
