// A member of a room without a socket: keeps what it is sent, and can apply it to a document.
import * as Y from 'yjs'
import { SyncType } from '../../src/sync/wire.ts'
import { decodeFrame, encodeSync, type Frame } from '../room/frame.ts'
import type { Hub } from '../room/hub.ts'
import type { Entrant, Member, RoomBatch, RoomFrame } from '../room/member.ts'
import type { Membership } from '../room/membership.ts'

/** A member that remembers. */
export interface TestMember extends Member {
  /** Stock frames it was sent, decoded. */
  readonly frames: Frame[]
  /** The same as bytes. */
  readonly bytes: Uint8Array[]
  /** Counts that were acknowledged to it. */
  readonly acknowledged: number[]
  /** How it was closed, if it was. */
  closed: { readonly code: number; readonly reason: string } | undefined
  /** Everything it was sent, in one document. */
  doc(): Y.Doc
  readonly membership: Membership
}

/** Joins a document. */
export const joinAs = (hub: Hub, document: string, entrant?: Entrant): TestMember => {
  const frames: Frame[] = []
  const bytes: Uint8Array[] = []
  const take = (frame: RoomFrame) => {
    bytes.push(frame.bytes)
    frames.push(decodeFrame(frame.bytes))
  }
  const member = {
    frames,
    bytes,
    acknowledged: [] as number[],
    closed: undefined as TestMember['closed'],
    broadcast: (batch: RoomBatch) => batch.frames.forEach(take),
    answer: take,
    acknowledge: (count: number) => void member.acknowledged.push(count),
    close: (code: number, reason: string) => void Object.assign(member, { closed: { code, reason } }),
    doc() {
      const doc = new Y.Doc()
      for (const frame of frames) if (frame.kind === 'update') Y.applyUpdate(doc, frame.update)
      return doc
    },
  }
  return Object.assign(member, { membership: hub.join(document, member, entrant) })
}

/** An update frame. */
export const updateFrame = (update: Uint8Array): Uint8Array => encodeSync(SyncType.update, update)

/** A step 1 frame of a client that has `doc`, or nothing. */
export const step1Frame = (doc = new Y.Doc()): Uint8Array => encodeSync(SyncType.step1, Y.encodeStateVector(doc))

/** Makes edits on a document and returns each as an update. */
export const editsOf = (doc: Y.Doc, ...edits: ((doc: Y.Doc) => void)[]): Uint8Array[] => {
  const updates: Uint8Array[] = []
  const keep = (update: Uint8Array) => void updates.push(update)
  doc.on('update', keep)
  for (const edit of edits) doc.transact(() => edit(doc))
  doc.off('update', keep)
  return updates
}
