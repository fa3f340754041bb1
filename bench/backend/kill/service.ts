// The service to kill: the reference backend as a process, for pages of all origins, with faults of its own.
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import postgres from 'postgres'
import { createBackendApp } from '../app.ts'
import { COLLECTIONS } from './tables.ts'

const [url = '', schema = '', port = ''] = process.argv.slice(2)
const sql = postgres(url, { connection: { search_path: schema }, onnotice: () => {}, max: 4 })
const service = createBackendApp({ sql, collections: COLLECTIONS })
Object.assign(service.faults, { answerLost: 0.03, status500: 0.02, status429: 0.01, delayMs: 10 })
const app = new Hono()
app.use(cors())
app.all('*', (context) => service.fetch(context.req.raw))
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(port) }, () => console.log('ready'))
