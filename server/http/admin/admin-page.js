// The admin page in the browser: asks with the token that was typed in, shows documents and their history, and restores.
/** @typedef {{ document: string, members?: number, tailUpdates?: number, bytes?: number, takenAt?: number, bytesADay?: number, problem?: string }} Row */

/** @template {HTMLElement} E @param {string} id @param {new () => E} type @returns {E} */
const element = (id, type) => {
  const found = document.getElementById(id)
  if (!(found instanceof type)) throw new Error(`The page has no ${id}.`)
  return found
}
const KEY = 'merrow-admin-token'
const problem = element('problem', HTMLElement)
const list = element('documents', HTMLElement)
const history = element('history', HTMLElement)

/** @param {string} path @param {RequestInit} [init] */
const ask = async (path, init = {}) => {
  const authorization = `Bearer ${sessionStorage.getItem(KEY) ?? ''}`
  const response = await fetch(`/admin/${path}`, { ...init, headers: { authorization } })
  if (!response.ok) throw new Error(await response.text())
  return response.json()
}

/** @param {string} name @param {string} text @param {string} [kind] */
const make = (name, text, kind = '') => {
  const made = document.createElement(name)
  made.textContent = text
  made.className = kind
  return made
}
/** @param {number | undefined} bytes */
const size = (bytes) =>
  bytes === undefined ? '' : bytes < 10_000 ? `${bytes} B` : `${Math.round(bytes / 1000).toLocaleString()} kB`
/** @param {number | undefined} time */
const when = (time) => (time === undefined ? '' : new Date(time).toLocaleString())
/** @param {string} text @param {() => Promise<void>} act */
const button = (text, act) => {
  const made = make('button', text)
  made.addEventListener('click', () => void tell(act))
  return made
}

/** @param {() => Promise<void>} act */
const tell = async (act) => {
  problem.textContent = ''
  try {
    await act()
  } catch (error) {
    problem.textContent = error instanceof Error ? error.message : String(error)
  }
}

/** @param {Row} row */
const showRow = (row) => {
  const line = document.createElement('tr')
  line.append(make('td', row.problem === undefined ? row.document : `${row.document}: ${row.problem}`))
  for (const text of [String(row.members ?? 0), size(row.bytes), String(row.tailUpdates ?? ''), size(row.bytesADay)])
    line.append(make('td', text, 'number'))
  const cell = document.createElement('td')
  cell.append(button('History', () => showHistory(row.document)))
  line.append(cell)
  return line
}

const show = async () => {
  const find = encodeURIComponent(element('find', HTMLInputElement).value)
  const { rooms, members, found, documents } = await ask(`status?find=${find}`)
  element('figures', HTMLElement).textContent = `${found} documents, ${rooms} open, ${members} clients`
  list.replaceChildren(...documents.map(showRow))
  element('sign-in', HTMLElement).hidden = true
  const [main] = document.getElementsByTagName('main')
  if (main !== undefined) main.hidden = false
}

/** @param {string} name */
const showHistory = async (name) => {
  const { snapshots } = await ask(`v1/history/${encodeURIComponent(name)}`)
  history.hidden = false
  history.replaceChildren(make('h2', `History of ${name}`))
  for (const { upTo, takenAt, bytes } of snapshots) {
    const line = make('p', `Up to update ${upTo}, ${when(takenAt)}, ${size(bytes)} `)
    line.append(button('Restore', () => restore(name, upTo, when(takenAt))))
    history.append(line)
  }
}

/** @param {string} name @param {number} upTo @param {string} time */
const restore = async (name, upTo, time) => {
  if (
    !confirm(
      `Bring ${name} back to ${time}? What was written since is undone for everyone; its state now is kept in the history.`,
    )
  )
    return
  await ask(`v1/history/${encodeURIComponent(name)}?restore=${upTo}`, { method: 'POST' })
  await showHistory(name)
}

element('sign-in', HTMLElement).addEventListener('submit', (event) => {
  event.preventDefault()
  sessionStorage.setItem(KEY, element('token', HTMLInputElement).value)
  void tell(show)
})
element('find', HTMLElement).addEventListener('input', () => void tell(show))
if (sessionStorage.getItem(KEY) !== null) void tell(show)
