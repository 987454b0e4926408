// Client of PeerTube's resumable upload: POST opens a session (201 with its
// Location, or 200 with Range when part of the same file is there already),
// PUT with Content-Range sends a chunk (308 with Range, 200 at the end), PUT
// with "bytes */total" asks how much has arrived.
import { type Problem, problem } from './api'

export type Video = { id: number; uuid: string; shortUUID: string }

export type Upload = {
  state: 'running' | 'paused' | 'waiting' | 'offline' | 'done' | 'failed'
  sent: number
  total: number
  speed: number // bytes a second
  retryIn: number // seconds, while waiting
  error?: Problem
  video?: Video
}

type Answer = { status: number; body: string; header(name: string): string | null }

export type Options = {
  endpoint: string
  metadata: () => Record<string, unknown>
  onChange: (u: Upload) => void
  maxChunk?: number // bytes; 0: none but ours
  storage?: Storage // remembers open sessions by file, never a token
}

const FIRST_CHUNK = 1 << 20
const MIN_CHUNK = 256 << 10
const MAX_CHUNK = 32 << 20
const CHUNK_SECONDS = 4
const MAX_DELAY = 30
const SPEED_WINDOW = 4000

class Aborted extends Error {}
class Retry extends Error {
  constructor(readonly after = 0) { super('retry') }
}

function random(): string {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((b) => b.toString(16).padStart(2, '0')).join('')
}

export class ResumableUpload {
  #file: File
  #o: Options
  #u: Upload
  #location = ''
  #offset = 0
  #chunk: number
  #tries = 0
  #xhr: XMLHttpRequest | null = null
  #running = false
  #wake: (() => void) | null = null
  #marks: [time: number, sent: number][] = []

  constructor(file: File, options: Options) {
    this.#file = file
    this.#o = options
    this.#chunk = Math.min(FIRST_CHUNK, options.maxChunk || FIRST_CHUNK)
    this.#u = { state: 'running', sent: 0, total: file.size, speed: 0, retryIn: 0 }
    this.#location = this.#recall()
    addEventListener('offline', this.#onOffline)
    addEventListener('online', this.#onOnline)
  }

  // active says whether leaving the page would interrupt it.
  get active(): boolean {
    return this.#u.state !== 'done' && this.#u.state !== 'failed'
  }

  start(): void {
    if (!this.#running) void this.#run()
  }

  pause(): void {
    if (!this.active) return
    this.#set('paused')
    this.#interrupt()
  }

  resume(): void {
    if (this.#u.state === 'done') return
    this.#tries = 0
    delete this.#u.error
    this.#set(navigator.onLine ? 'running' : 'offline')
    this.#wake?.()
    this.start()
  }

  async cancel(): Promise<void> {
    this.#set('failed')
    this.#interrupt()
    this.#close()
    if (this.#location) await this.#send('DELETE', this.#location, {}, null).catch(() => undefined)
    this.#forget()
  }

  #onOffline = () => {
    if (this.#u.state !== 'running' && this.#u.state !== 'waiting') return
    this.#set('offline')
    this.#interrupt()
  }

  #onOnline = () => {
    if (this.#u.state === 'offline') this.resume()
  }

  #close(): void {
    removeEventListener('offline', this.#onOffline)
    removeEventListener('online', this.#onOnline)
  }

  #interrupt(): void {
    this.#xhr?.abort()
    this.#wake?.()
  }

  #set(state: Upload['state']): void {
    this.#u.state = state
    if (state !== 'running') this.#marks = []
    this.#o.onChange({ ...this.#u })
  }

  async #run(): Promise<void> {
    this.#running = true
    let known = false // whether #offset is what the server has
    while (this.#u.state === 'running' || this.#u.state === 'waiting') {
      try {
        if (!known) {
          await this.#position()
          known = true
          if (this.#u.video) break
        }
        if (this.#u.state !== 'running') this.#set('running')
        known = await this.#put()
        if (this.#u.video) break
      } catch (error) {
        known = false
        if (error instanceof Aborted) break // paused, offline or cancelled: the state says which
        if (!(error instanceof Retry)) {
          this.#u.error = error as Problem
          this.#set('failed')
          break
        }
        await this.#backOff(error.after)
      }
    }
    this.#running = false
    // resume() may have come while the last request was being given up.
    if (this.#u.video) this.#finish()
    else if (this.#u.state === 'running') this.start()
  }

  #finish(): void {
    this.#u.sent = this.#u.total
    this.#forget()
    this.#close()
    this.#set('done')
  }

  // position finds out what the server has, opening a session when there is none.
  async #position(): Promise<void> {
    if (this.#location) {
      const answer = await this.#send('PUT', this.#location, { 'Content-Range': `bytes */${this.#file.size}` }, null)
      if (answer.status === 308) return this.#at(answer)
      if (answer.status === 200 || answer.status === 201) return this.#took(answer)
      if (answer.status !== 404 && answer.status !== 410) this.#refuse(answer)
      this.#forget()
    }
    // The server knows an upload by everything in this body. The random part makes
    // a file that was published before a new upload; one that was broken off is
    // found again by its remembered address.
    const body = JSON.stringify({
      ...this.#o.metadata(), filename: this.#file.name, lastModified: this.#file.lastModified, attempt: random(),
    })
    const answer = await this.#send('POST', this.#o.endpoint, {
      'Content-Type': 'application/json; charset=UTF-8',
      'X-Upload-Content-Length': String(this.#file.size),
      'X-Upload-Content-Type': this.#file.type || 'application/octet-stream',
    }, body)
    const location = answer.header('Location')
    if ((answer.status !== 200 && answer.status !== 201) || !location) this.#refuse(answer)
    this.#location = this.#sameOrigin(location!)
    this.#remember()
    this.#at(answer)
  }

  // put sends one chunk. It returns false when the position must be asked for.
  async #put(): Promise<boolean> {
    const from = this.#offset
    if (from >= this.#file.size) {
      // Everything is there and the server is still at work on it.
      await this.#position()
      if (!this.#u.video && this.#offset >= this.#file.size) throw new Retry()
      return true
    }
    const end = Math.min(from + this.#chunk, this.#file.size)
    const began = performance.now()
    const answer = await this.#send('PUT', this.#location, {
      'Content-Type': 'application/octet-stream',
      'Content-Range': `bytes ${from}-${end - 1}/${this.#file.size}`,
    }, this.#file.slice(from, end), (n) => this.#progress(from + n))
    if (answer.status === 308) {
      this.#at(answer)
      if (this.#offset <= from) throw new Retry() // no progress: never spin
      this.#tries = 0
      const seconds = (performance.now() - began) / 1000
      const ideal = ((end - from) / Math.max(seconds, 0.05)) * CHUNK_SECONDS
      this.#chunk = Math.round(Math.min(this.#o.maxChunk || MAX_CHUNK, Math.max(MIN_CHUNK, Math.min(ideal, this.#chunk * 2))))
      return true
    }
    if (answer.status === 200 || answer.status === 201) {
      this.#took(answer)
      return true
    }
    if (answer.status === 404 || answer.status === 410) {
      this.#forget()
      return false
    }
    if (answer.status === 409 || answer.status === 460) throw new Retry()
    this.#chunk = Math.max(MIN_CHUNK, this.#chunk >> 1)
    return this.#refuse(answer)
  }

  #at(answer: Answer): void {
    const range = /(\d+)\s*$/.exec(answer.header('Range') ?? '')
    this.#offset = range ? Number(range[1]) + 1 : 0
    this.#progress(this.#offset)
  }

  #took(answer: Answer): void {
    try {
      this.#u.video = (JSON.parse(answer.body) as { video: Video }).video
    } catch {
      throw problem(answer.status, '')
    }
  }

  #refuse(answer: Answer): never {
    const { status } = answer
    if (status === 0 || status === 408 || status === 429 || status >= 500) throw new Retry(Number(answer.header('Retry-After')) || 0)
    throw problem(status, answer.body)
  }

  #progress(sent: number): void {
    const now = performance.now()
    this.#marks.push([now, sent])
    while (this.#marks.length > 2 && now - this.#marks[0]![0] > SPEED_WINDOW) this.#marks.shift()
    const [time, first] = this.#marks[0]!
    const seconds = (now - time) / 1000
    if (seconds > 0.2) this.#u.speed = Math.max(0, (sent - first) / seconds)
    this.#u.sent = sent
    this.#o.onChange({ ...this.#u })
  }

  async #backOff(after: number): Promise<void> {
    if (!navigator.onLine) return this.#set('offline')
    const seconds = Math.max(after, Math.min(MAX_DELAY, 2 ** this.#tries++))
    for (let left = Math.ceil(seconds); left > 0 && this.#waits(); left--) {
      this.#u.retryIn = left
      this.#set('waiting')
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000)
        this.#wake = () => { clearTimeout(timer); resolve() }
      })
      this.#wake = null
      if (this.#u.state === 'running') break // resumed by hand
    }
  }

  #waits(): boolean {
    return this.#u.state === 'running' || this.#u.state === 'waiting'
  }

  #send(method: string, url: string, headers: Record<string, string>, body: Blob | string | null, onProgress?: (n: number) => void): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const xhr = this.#xhr = new XMLHttpRequest()
      xhr.open(method, url)
      for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value)
      if (onProgress) xhr.upload.onprogress = (event) => onProgress(event.loaded)
      xhr.onload = () => resolve({ status: xhr.status, body: xhr.responseText, header: (name) => xhr.getResponseHeader(name) })
      xhr.onerror = () => reject(new Retry())
      xhr.ontimeout = () => reject(new Retry())
      xhr.onabort = () => reject(new Aborted())
      xhr.send(body)
    })
  }

  // The session lives where the page came from, whatever host Location names.
  #sameOrigin(location: string): string {
    const url = new URL(location, document.baseURI)
    return url.pathname + url.search
  }

  // The key holds the time of change: another file of equal name and size is
  // another upload.
  get #key(): string {
    return `kinemesh.upload:${this.#file.name}:${this.#file.size}:${this.#file.lastModified}`
  }

  #recall(): string {
    try { return this.#o.storage?.getItem(this.#key) ?? '' } catch { return '' }
  }

  #remember(): void {
    try { this.#o.storage?.setItem(this.#key, this.#location) } catch { /* private mode */ }
  }

  #forget(): void {
    this.#location = ''
    this.#offset = 0
    try { this.#o.storage?.removeItem(this.#key) } catch { /* private mode */ }
  }
}
