// The name that this browser's writes carry. Knows the browser's local storage, no database.

const KEY = 'merrow-demo/user'
const MAX_LENGTH = 40
const MOODS = ['Brisk', 'Calm', 'Merry', 'Quiet', 'Sunny', 'Witty', 'Bold', 'Gentle']
const ANIMALS = ['Puffin', 'Otter', 'Heron', 'Seal', 'Plover', 'Dolphin', 'Petrel', 'Limpet']

/** This browser's name; a friendly one is made and kept the first time. */
export const readUser = (): string => {
  const known = localStorage.getItem(KEY)
  return known ?? writeUser(`${pick(MOODS)} ${pick(ANIMALS)}`)
}

/** Keeps another name. @returns What was kept; a blank name keeps the one before. */
export const writeUser = (name: string): string => {
  const trimmed = name.trim().slice(0, MAX_LENGTH)
  if (trimmed === '') return readUser()
  localStorage.setItem(KEY, trimmed)
  return trimmed
}

const pick = (words: readonly string[]): string => words[Math.floor(Math.random() * words.length)] ?? ''
