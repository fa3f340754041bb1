// @y/websocket-server that keeps its documents in LevelDB.
const [folder] = process.argv.slice(2)
process.env['YPERSISTENCE'] = folder
console.info = () => {}
await import('./y-websocket-server.js')
