import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import http from 'node:http'
import { after, before, beforeEach, test } from 'node:test'
import { Browser, load, Storage } from './load.mjs'

const { ResumableUpload } = await load('lib/resumable.ts')
const path = '/api/v1/videos/upload-resumable'
const size = 3_000_000
const content = crypto.randomBytes(size)
const sha = (b) => crypto.createHash('sha256').update(b).digest('hex')

// The server end of the protocol. script holds what the next chunks meet
// instead of being taken: a status, 'cut' (half arrives, no answer), 'lost'
// (all arrives, no answer), or a function.
let server, origin, browser, uploads, script, log
before(async () => {
  server = http.createServer(serve)
  await new Promise((r) => server.listen(0, '127.0.0.1', r))
  origin = `http://127.0.0.1:${server.address().port}`
})
after(() => server.closeAllConnections() ?? server.close())
beforeEach(() => {
  browser = new Browser(origin)
  uploads = new Map()
  script = []
  log = []
})

async function serve(req, res) {
  const parts = []
  for await (const d of req) parts.push(d)
  const body = Buffer.concat(parts)
  const answer = (status, headers = {}, text = '') => res.writeHead(status, headers).end(text)
  const range = (u) => (u.data.length ? { Range: `bytes=0-${u.data.length - 1}` } : {})
  log.push(`${req.method} ${req.headers['content-range'] ?? ''}`.trim())
  if (req.method === 'POST') {
    const meta = JSON.parse(body)
    if (meta.name === 'refused') return answer(413, {}, JSON.stringify({ detail: 'Your quota is reached.', code: 'quota_reached' }))
    const id = String(uploads.size + 1)
    uploads.set(id, { meta, data: Buffer.alloc(0), size: Number(req.headers['x-upload-content-length']) })
    // Whatever host the Location names, the client stays with its own.
    return answer(201, { Location: `https://elsewhere.example${path}?upload_id=${id}` })
  }
  const u = uploads.get(new URL(req.url, origin).searchParams.get('upload_id'))
  if (!u) return answer(404)
  if (req.method === 'DELETE') {
    uploads.clear()
    return answer(204)
  }
  const done = () => answer(200, {}, JSON.stringify({ video: { id: 1, uuid: 'u', shortUUID: 's' } }))
  const [, from, , total] = /bytes (\d+)-(\d+)\/(\d+)/.exec(req.headers['content-range']) ?? []
  if (from === undefined) return u.data.length === u.size ? done() : answer(308, range(u))
  assert.equal(Number(total), u.size)
  const next = script.shift()
  if (typeof next === 'function') next()
  else if (next === 'cut') {
    u.data = Buffer.concat([u.data, body.subarray(0, body.length >> 1)])
    return req.socket.destroy()
  } else if (typeof next === 'number') return answer(next, next === 503 ? { 'Retry-After': '1' } : {}, '{"detail":"told so"}')
  if (Number(from) !== u.data.length) return answer(409)
  u.data = Buffer.concat([u.data, body])
  if (next === 'lost') return req.socket.destroy()
  if (u.data.length === u.size) return done()
  answer(308, range(u))
}

const file = (name = 'clip.mp4', lastModified = 1) => new File([content], name, { type: 'video/mp4', lastModified })

// run uploads until the upload ends, and tells which states it went through.
function run(options = {}, f = file()) {
  const states = []
  return new Promise((resolve) => {
    const job = new ResumableUpload(f, {
      endpoint: path, metadata: () => ({ name: 'Clip' }), maxChunk: 700_000, ...options,
      onChange(u) {
        if (states.at(-1) !== u.state) states.push(u.state)
        options.onChange?.(u, job)
        if (u.state === 'done' || u.state === 'failed') resolve({ ...u, states, job })
      },
    })
    job.start()
  })
}
const stored = () => [...uploads.values()].map((u) => sha(u.data))

test('sends a file in chunks', async () => {
  const u = await run()
  assert.equal(u.state, 'done')
  assert.deepEqual(u.video, { id: 1, uuid: 'u', shortUUID: 's' })
  assert.equal(u.sent, size)
  assert.deepEqual(stored(), [sha(content)])
  assert.ok(log.length >= 5, `chunks of at most 700,000 bytes: ${log}`)
})

for (const [name, steps] of Object.entries({
  'a chunk cut in the middle': ['cut'], 'a lost answer': ['lost'], 'the last answer lost': [null, null, null, null, 'lost'],
  'a server error': [500], 'a busy server': [503], 'a wrong position': [409], 'a damaged chunk': [460], 'several troubles': ['cut', 502, 'lost'],
})) {
  test(`goes on after ${name}`, async () => {
    script = [...steps]
    const u = await run()
    assert.equal(u.state, 'done')
    assert.ok(u.states.includes('waiting'), u.states.join())
    assert.deepEqual(stored(), [sha(content)])
  })
}

test('begins anew when the server forgot the upload', async () => {
  script = [null, 404]
  const u = await run()
  assert.equal(u.state, 'done')
  assert.equal(log.filter((l) => l === 'POST').length, 2)
  assert.equal(stored().at(-1), sha(content))
})

test('tells why it was refused, and does not try again', async () => {
  const u = await run({ metadata: () => ({ name: 'refused' }) })
  assert.equal(u.state, 'failed')
  assert.equal(u.error.detail, 'Your quota is reached.')
  assert.equal(u.error.code, 'quota_reached')
  assert.deepEqual(log, ['POST'])
})

test('stops at a file that is no video', async () => {
  script = [null, 422]
  const u = await run()
  assert.equal(u.state, 'failed')
  assert.equal(u.error.status, 422)
})

test('pauses and resumes', async () => {
  let paused = false
  const u = await run({
    onChange(u, job) {
      if (u.state !== 'running' || paused || u.sent < 700_000) return
      paused = true
      job.pause()
      setTimeout(() => job.resume(), 100)
    },
  })
  assert.equal(u.state, 'done')
  assert.ok(u.states.includes('paused'), u.states.join())
  assert.deepEqual(stored(), [sha(content)])
})

test('waits while the browser is offline', async () => {
  script = [null, () => {
    browser.setOnline(false)
    setTimeout(() => browser.setOnline(true), 100)
  }]
  const u = await run()
  assert.equal(u.state, 'done')
  assert.ok(u.states.includes('offline'), u.states.join())
  assert.deepEqual(stored(), [sha(content)])
})

test('goes on after a reload with the same file, and only with it', async () => {
  const storage = new Storage()
  let first
  await new Promise((resolve) => {
    first = new ResumableUpload(file(), {
      endpoint: path, metadata: () => ({ name: 'Clip' }), maxChunk: 700_000, storage,
      onChange(u) { if (u.sent >= 700_000 && u.state === 'running') { first.pause(); resolve() } },
    })
    first.start()
  })
  const had = [...uploads.values()][0].data.length
  log = []
  // Another file of equal name and size is another upload.
  const other = await run({ storage }, file('clip.mp4', 2))
  assert.equal(other.state, 'done')
  assert.equal(uploads.size, 2)
  log = []
  const again = await run({ storage })
  assert.equal(again.state, 'done')
  assert.ok(!log.includes('POST'), log.join())
  assert.ok(!log.some((l) => l.startsWith('PUT bytes 0-')), `bytes 0 to ${had} are sent once: ${log}`)
  assert.deepEqual(stored(), [sha(content), sha(content)])
  assert.equal(storage.map.size, 0, 'a finished upload is forgotten')
})

test('a published file may be published again', async () => {
  const storage = new Storage()
  await run({ storage })
  await run({ storage })
  const [a, b] = [...uploads.values()]
  assert.notEqual(a.meta.attempt, b.meta.attempt)
})

test('cancelling removes what was sent', async () => {
  const u = await run({ onChange(u, job) { if (u.sent >= 700_000 && u.state === 'running') void job.cancel() } })
  assert.equal(u.state, 'failed')
  assert.equal(u.error, undefined)
  for (let i = 0; i < 50 && uploads.size; i++) await new Promise((r) => setTimeout(r, 20))
  assert.equal(uploads.size, 0)
})
