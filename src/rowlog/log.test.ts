// Laws of the row log that schedules do not show: what it counts, what it refuses, what it keeps, how it stays small.
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { packId } from '../ids.ts'
import { StampClock, stampAt } from '../stamp.ts'
import { fieldOf, isCreated } from './entry.ts'
import { RowLog } from './log.ts'

const NOW_MS = 1_700_000_000_000
let replicas = 0
const open = (device = `d${replicas++}`, run = 0): RowLog =>
  new RowLog({ replica: `${device}.${run}`, author: device, clock: new StampClock(() => NOW_MS) })
const put = (log: RowLog, id: string, fields: Readonly<Record<string, unknown>>, insert = false): void => {
  log.stage(id, insert, Object.keys(fields), Object.values(fields))
}
const show = (log: RowLog, id: string, field: string): unknown => {
  const entry = log.entries.get(id)
  return entry !== undefined && isCreated(entry) ? fieldOf(entry, field) : undefined
}
const send = (from: RowLog, to: RowLog): void => Y.applyUpdate(to.document, from.encode(), 'peer')
const structs = (log: RowLog): number =>
  [...log.document.store.clients.values()].reduce((sum, list) => sum + list.length, 0)
const segments = (log: RowLog): number => log.document.getArray('log').length

/** A document as a stranger may have made it: one segment with these elements. */
const stranger = (...elements: unknown[]): Uint8Array => {
  const document = new Y.Doc()
  document.getArray('log').push([Y.Array.from(elements as object[])])
  return Y.encodeStateAsUpdate(document)
}
const header = { format: 1, replica: 'x.0', author: null, since: stampAt(NOW_MS) }

describe('writing', () => {
  it('[K1] a commit is one Yjs transaction and one update, however much is staged', () => {
    const log = open()
    let transactions = 0
    const updates: boolean[] = []
    log.document.on('afterTransaction', () => {
      transactions += 1
    })
    log.onUpdate((_update, isLocal) => updates.push(isLocal))
    for (let at = 0; at < 1000; at++) put(log, `r${at}`, { a: at }, true)
    log.commit()
    log.commit()
    expect([transactions, updates]).toEqual([1, [true]])
  })

  it('[K2] neighbouring patches of one writer become one Yjs item', () => {
    const log = open()
    for (let at = 0; at < 100; at++) {
      put(log, `r${at}`, { a: at }, true)
      log.commit()
    }
    expect(structs(log)).toBe(2)
  })

  it('[K3] of writes to one column before a commit, the last alone reaches the document', () => {
    const log = open()
    put(log, 'r', { a: 0 }, true)
    for (let at = 1; at <= 1000; at++) put(log, 'r', { a: at, b: at })
    log.commit()
    expect(log.entries.get('r')?.patches.length).toBe(2)
    expect(show(log, 'r', 'a')).toBe(1000)
  })

  it('[K4] a hot row costs what it holds, not what it went through', () => {
    const log = open()
    put(log, 'r', { a: 0, b: 0 }, true)
    log.commit()
    for (let at = 1; at <= 5000; at++) {
      put(log, 'r', { a: at })
      log.commit()
    }
    log.seal()
    const again = open()
    send(log, again)
    expect(show(again, 'r', 'a')).toBe(5000)
    expect(log.encode().length).toBeLessThan(1500)
    expect(segments(log)).toBeLessThanOrEqual(3)
  })
})

describe('segments', () => {
  it('[K5] a full segment is sealed and the next begun', () => {
    const log = open()
    for (let at = 0; at < 600; at++) put(log, `r${at}`, { a: at }, true)
    log.commit()
    const sealed = log.document
      .getArray<Y.Array<unknown>>('log')
      .toArray()
      .map((list) => list.toArray().some((element) => Object.hasOwn(element as object, 'sealed')))
    expect(sealed).toEqual([true, true, false])
  })

  it('[K6] a segment that its writer left open is never dropped whole, for its writer may have sent more', () => {
    const [writer, other] = [open('dev', 0), open()]
    put(writer, 'a', { x: 1 }, true)
    writer.commit()
    send(writer, other)
    put(other, 'a', { x: 2 }, true)
    other.commit()
    expect(segments(other)).toBe(2)
    put(writer, 'b', { x: 3 }, true)
    writer.commit()
    send(writer, other)
    expect(show(other, 'b', 'x')).toBe(3)
  })

  it('[K7] a writer whose segment was deleted by another goes on in a new one', () => {
    const log = open()
    put(log, 'a', { x: 1 }, true)
    log.commit()
    const hostile = new Y.Doc()
    Y.applyUpdate(hostile, log.encode())
    hostile.getArray('log').delete(0, 1)
    Y.applyUpdate(log.document, Y.encodeStateAsUpdate(hostile), 'peer')
    put(log, 'b', { x: 2 }, true)
    log.commit()
    const other = open()
    send(log, other)
    expect(show(other, 'b', 'x')).toBe(2)
  })
})

describe('what comes from elsewhere', () => {
  it('[K8] columns that nobody here knows are kept through edits', () => {
    const [newer, older] = [open(), open()]
    put(newer, 'r', { title: 'a', invention: { deep: [1] } }, true)
    newer.commit()
    send(newer, older)
    put(older, 'r', { title: 'b' })
    older.commit()
    send(older, newer)
    expect([show(newer, 'r', 'title'), show(newer, 'r', 'invention')]).toEqual(['b', { deep: [1] }])
  })

  it('[K9] nonsense is left where it is and counted; the rest of the document works', () => {
    const log = open()
    const nonsense = [
      'text',
      5,
      null,
      {},
      { sealed: 1 },
      { shape: ['a', 'a'] },
      { shape: 'a' },
      [0],
      [0, 5, 0, 1],
      [0, ':r', -1, 1],
      [7, ':r', 0, 1],
      [0, ':r', 0],
      [0, '!', 0, 1],
    ]
    log.load([stranger(header, { shape: ['a'], insert: true }, [0, packId('ok'), 0, 1], ...nonsense)])
    expect([show(log, 'ok', 'a'), log.entries.size, log.refused]).toEqual([1, 1, nonsense.length])
    put(log, 'ok', { a: 2 })
    log.commit()
    expect(show(log, 'ok', 'a')).toBe(2)
  })

  it('[K9] so is whatever stands beside the segments, when it is loaded as when it comes', () => {
    const document = new Y.Doc()
    document.getArray('log').push([Y.Array.from([header, { shape: ['a'], insert: true }, [0, packId('ok'), 0, 1]])])
    document.getArray('log').push(['text', 5, { a: 1 }, [0, ':r', 0, 1], new Y.Map([['a', 1]])])
    const update = Y.encodeStateAsUpdate(document)
    const [loaded, sent] = [open(), open()]
    loaded.load([update])
    Y.applyUpdate(sent.document, update, 'peer')
    for (const log of [loaded, sent]) {
      expect([show(log, 'ok', 'a'), log.entries.size]).toEqual([1, 1])
      expect(log.refused).toBeGreaterThanOrEqual(5)
      expect(log.stats(new Set()).rows).toBe(1)
      put(log, 'ok', { a: 2 })
      log.commit()
      log.pack()
      expect(show(log, 'ok', 'a')).toBe(2)
    }
  })

  it('[K10] a segment of another format is not read and not touched, and counted', () => {
    const log = open()
    log.load([stranger({ ...header, format: 99 }, { anything: 1 }, [0, ':r', 0, 1])])
    expect([log.entries.size, log.refused, segments(log)]).toEqual([0, 1, 1])
  })

  it('[K11] a patch from the far future shows, and later local writes win over it all the same', () => {
    const log = open()
    const future = { ...header, since: stampAt(NOW_MS + 3_600_000) }
    log.load([stranger(future, { shape: ['a', 'b'], insert: true }, [0, packId('r'), 0, 'future', 'kept'])])
    expect(show(log, 'r', 'a')).toBe('future')
    put(log, 'r', { a: 'now' })
    expect([show(log, 'r', 'a'), show(log, 'r', 'b')]).toEqual(['now', 'kept'])
    log.commit()
    const other = open()
    send(log, other)
    expect([show(other, 'r', 'a'), show(other, 'r', 'b')]).toEqual(['now', 'kept'])
    put(other, 'r', { b: 'free' })
    expect(show(other, 'r', 'b')).toBe('free')
  })

  it('[K11] what two replicas save from a patch of the far future does not undo what the other wrote', () => {
    const [a, b] = [open(), open()]
    const future = { ...header, since: stampAt(NOW_MS + 3_600_000) }
    const bytes = stranger(future, { shape: ['a', 'b'], insert: true }, [0, packId('r'), 0, 'old', 'old'])
    a.load([bytes])
    b.load([bytes])
    put(a, 'r', { a: 'by a' })
    a.commit()
    put(b, 'r', { b: 'by b' })
    b.commit()
    send(a, b)
    send(b, a)
    for (const log of [a, b]) expect([show(log, 'r', 'a'), show(log, 'r', 'b')]).toEqual(['by a', 'by b'])
  })

  it('[K12] an update whose insert is not here yet waits for it', () => {
    const [a, b, c] = [open(), open(), open()]
    put(a, 'r', { x: 1 }, true)
    a.commit()
    send(a, b)
    const before = Y.encodeStateVector(b.document)
    put(b, 'r', { x: 2 })
    b.commit()
    Y.applyUpdate(c.document, Y.encodeStateAsUpdate(b.document, before), 'peer')
    expect(show(c, 'r', 'x')).toBeUndefined()
    send(a, c)
    expect(show(c, 'r', 'x')).toBe(2)
  })
})

describe('losses', () => {
  const KEPT_MS = 1000
  /** Two logs of one client id, as a process and its copy have. */
  const openCopies = (now: () => number = () => NOW_MS) =>
    ['a', 'b'].map((device) => {
      const log = new RowLog({
        replica: `${device}.0`,
        author: device,
        clock: new StampClock(now),
        purgesKeptMs: KEPT_MS,
      })
      log.document.clientID = 7
      return log
    }) as [RowLog, RowLog]

  /** Each has written a row under the same clocks. */
  const openForked = (): [RowLog, RowLog] => {
    const [a, b] = openCopies()
    put(a, 'of a', { x: 1 }, true)
    a.commit()
    put(b, 'of b', { x: 1 }, true)
    b.commit()
    return [a, b]
  }

  it('[K28] what a copy has deleted under the same clocks is found lost, and is back in the document that goes on', () => {
    const [a, b] = openForked()
    put(a, 'of a', { x: 2 })
    a.commit()
    put(a, 'of a', { x: 3 })
    a.commit()
    a.pack()
    expect(b.isIntact).toBe(true)
    send(a, b)
    expect([show(b, 'of b', 'x'), b.isIntact]).toEqual([undefined, false])
    const told: string[] = []
    b.onRemoteChange((changes) => told.push(...changes.keys()))
    b.renew()
    expect([show(b, 'of b', 'x'), b.isIntact, told]).toEqual([1, true, ['of b']])
    const other = open()
    send(b, other)
    expect(show(other, 'of b', 'x')).toBe(1)
  })

  it('[K28] it can be written again in place, and is told', () => {
    const [a, b] = openForked()
    a.pack()
    send(a, b)
    b.document.clientID = 8
    const told: string[] = []
    b.onRemoteChange((changes) => told.push(...changes.keys()))
    b.restoreLost()
    expect([show(b, 'of b', 'x'), b.isIntact, told]).toEqual([1, true, ['of b']])
  })

  it('[K28] what can no longer be read, since a part of its segment was deleted, is written again', () => {
    const [a, b] = openCopies()
    // The places of a's patches are those of what b's patches are read by.
    for (const x of [1, 2, 3, 4, 5, 6]) {
      put(a, 'of a', { x }, x === 1)
      a.commit()
    }
    put(b, 'of b', { x: 1, y: 1, z: 1 }, true)
    put(b, 'of b too', { x: 2 }, true)
    put(b, 'of b', { y: 2 })
    b.commit()
    const stored = (log: RowLog): readonly unknown[] => {
      const again = open()
      again.load([log.encode()])
      return [show(again, 'of b', 'y'), show(again, 'of b too', 'x')]
    }
    expect(stored(b)).toEqual([2, 2])
    const [late] = openCopies()
    send(b, late)
    send(a, b)
    expect([stored(b), b.isIntact]).not.toEqual([[2, 2], true])
    b.restoreLost()
    expect([stored(b), b.isIntact, show(b, 'of b', 'y')]).toEqual([[2, 2], true, 2])
    // Who hears of it when all is there again has lost nothing, or it would be written again for ever.
    send(b, late)
    expect([late.isIntact, show(late, 'of b', 'y'), show(late, 'of b too', 'x'), stored(late)]).toEqual([
      true,
      2,
      2,
      [2, 2],
    ])
  })

  it('[K27] what is there in several copies is carried over once', () => {
    const [a, b] = openCopies()
    put(a, 'r', { x: 1 }, true)
    a.commit()
    for (let times = 0; times < 6; times++) {
      const former = a.encode()
      a.renew()
      Y.applyUpdate(a.document, former, 'peer')
    }
    send(a, b)
    expect(b.entries.get('r')?.patches.length).toBe(7)
    expect(show(b, 'r', 'x')).toBe(1)
  })

  it('[K28] a write so old that it may have been purged is not taken for lost', () => {
    let nowMs = NOW_MS
    const [a, b] = openCopies(() => nowMs)
    put(a, 'r', { x: 1 }, true)
    a.commit()
    send(a, b)
    nowMs += KEPT_MS
    put(a, 'r', { purgedAt: nowMs })
    a.commit()
    a.forgetPurges(nowMs + 1)
    send(a, b)
    expect([show(b, 'r', 'x'), b.isIntact]).toEqual([undefined, true])
  })
})

describe('purging', () => {
  it('[K13] a purge voids what was written before, wherever it comes from, and takes its bytes', () => {
    const [a, b] = [open(), open()]
    put(a, 'r', { x: 'something long enough to be seen in the bytes' }, true)
    a.commit()
    send(a, b)
    put(b, 'r', { purgedAt: 1 })
    b.commit()
    put(a, 'r', { y: 1 })
    a.commit()
    send(b, a)
    send(a, b)
    expect([show(a, 'r', 'x'), show(b, 'r', 'y')]).toEqual([undefined, undefined])
    expect(new TextDecoder().decode(b.encode())).not.toContain('something long')
  })

  it('[K14] the note of a purge goes after its time, and the row stays away', () => {
    const log = open()
    put(log, 'r', { x: 1 }, true)
    put(log, 'r', { purgedAt: 1 })
    log.commit()
    log.forgetPurges(NOW_MS)
    expect(log.entries.size).toBe(1)
    log.forgetPurges(NOW_MS + 1)
    expect(log.entries.size).toBe(0)
  })
})
