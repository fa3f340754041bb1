// Which version this is, as its package says. Knows nothing else.
import { existsSync, readFileSync } from 'node:fs'

/** The package's file, from the sources and from what they are compiled to. */
const PLACES = ['../package.json', '../../package.json']

/** Version of this package. */
export const version = (): string => {
  const urls = PLACES.map((place) => new URL(place, import.meta.url))
  const { version } = JSON.parse(readFileSync(urls.find((url) => existsSync(url)) as URL, 'utf8')) as {
    version: string
  }
  return version
}
