// Waiting for what no event tells: a condition is tried again until a deadline.

/** Resolves once `isTrue` says so; fails after `timeoutMs`, naming `what`. */
export const waitUntil = async (what: string, isTrue: () => boolean, timeoutMs = 10_000): Promise<void> => {
  const deadline = Date.now() + timeoutMs
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain until ${what}.`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
