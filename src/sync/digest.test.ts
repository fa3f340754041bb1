// What a digest tells apart, and what it does not. Without sockets.
import { expect, it, onTestFinished } from 'vitest'
import * as Y from 'yjs'
import { digestNow } from './digest.js'

it('[N18] a digest is the same however structs are cut, and another for other content', () => {
  const withText = (client: number, text: string): Y.Doc => {
    const doc = new Y.Doc()
    doc.clientID = client
    for (const letter of text) doc.getText('t').insert(doc.getText('t').length, letter)
    doc.getText('t').delete(1, 2)
    doc.getArray('a').push([{ deep: [1, 'x'] }, Uint8Array.of(1)])
    return doc
  }
  const [doc, other, again] = [withText(1, 'abcdef'), withText(1, 'abcdeF'), new Y.Doc()]
  Y.applyUpdate(again, Y.encodeStateAsUpdate(doc))
  expect(digestNow(again)).toEqual(digestNow(doc))
  const [one, two] = [digestNow(doc), digestNow(other)]
  expect([two.vector, two.deletes]).toEqual([one.vector, one.deletes])
  expect(two.content).not.toBe(one.content)
})

it('[N18] a digest of minified code is that of any other', () => {
  const doc = new Y.Doc()
  doc.clientID = 1
  doc.getArray('log').push([new Y.Array(), new Y.Map(), new Y.Text(), new Y.XmlElement('p')])
  const known = digestNow(doc)
  const { name } = Y.Array
  onTestFinished(() => void Object.defineProperty(Y.Array, 'name', { value: name }))
  Object.defineProperty(Y.Array, 'name', { value: 'e' })
  expect(digestNow(doc)).toEqual(known)
  doc.getArray('log').delete(0)
  doc.getArray('log').insert(0, [new Y.Map()])
  expect(digestNow(doc).content).not.toBe(known.content)
})
