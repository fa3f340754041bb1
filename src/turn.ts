// Turns of the event loop. Knows nothing of what is done in them.

/** Runs work in the next turn, in the order of the calls: not by a timer, which browsers hold back in hidden tabs. */
export const nextTurn = (work: () => void): void => {
  if (typeof setImmediate === 'function') return void setImmediate(work)
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => {
    port1.close()
    work()
  }
  port2.postMessage(undefined)
}
