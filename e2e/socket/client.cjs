// A client of Socket.IO as PeerTube's client and apps use it: it tells on its
// standard output what happens to it, one JSON object a line, until its standard
// input is closed.
//
//   node client.cjs MODULES ORIGIN/NAMESPACE TOKEN TRANSPORTS [VIDEO]
'use strict'

const { join } = require('node:path')
const [modules, address, accessToken, transports, videoId] = process.argv.slice(2)
const { io } = require(join(modules, 'socket.io-client'))

const tell = (what, data) => process.stdout.write(JSON.stringify({ what, data }) + '\n')

const options = { forceNew: true, reconnectionDelay: 100, reconnectionDelayMax: 500 }
if (accessToken) options.query = { accessToken }
if (transports) options.transports = transports.split(',')
const socket = io(address, options)

socket.on('connect', () => {
  if (videoId) socket.emit('subscribe', { videoId: Number(videoId) })
  tell('connect', socket.io.engine.transport.name)
})
socket.io.on('open', () => socket.io.engine.on('upgrade', (transport) => tell('upgrade', transport.name)))
socket.on('connect_error', (error) => tell('connect_error', error.message))
socket.on('disconnect', (reason) => tell('disconnect', reason))
for (const name of ['new-notification', 'views-change', 'state-change']) socket.on(name, (data) => tell(name, data))

process.stdin.on('end', () => process.exit(0)).resume()
