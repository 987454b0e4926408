// Compiles a module of src for Node, and gives it the few parts of a browser
// that it needs.
import http from 'node:http'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

export async function load(entry) {
  const { output } = (await build({
    configFile: false, logLevel: 'silent', root: fileURLToPath(new URL('..', import.meta.url)),
    build: { write: false, minify: false, target: 'es2022', lib: { entry: `src/${entry}`, formats: ['es'] } },
  }))[0]
  return import('data:text/javascript;base64,' + Buffer.from(output[0].code).toString('base64'))
}

// Browser is the global scope of a page at origin.
export class Browser extends EventTarget {
  online = true
  constructor(origin) {
    super()
    this.origin = origin
    const browser = this
    globalThis.addEventListener = (...a) => this.addEventListener(...a)
    globalThis.removeEventListener = (...a) => this.removeEventListener(...a)
    globalThis.document = { baseURI: origin + '/videos/upload' }
    Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { get onLine() { return browser.online } } })
    globalThis.XMLHttpRequest = class extends Request { constructor() { super(browser) } }
  }
  setOnline(on) {
    this.online = on
    this.dispatchEvent(new Event(on ? 'online' : 'offline'))
  }
}

// Request is XMLHttpRequest as far as an upload uses it.
class Request {
  upload = {}
  status = 0
  responseText = ''
  #headers = {}
  #answer = {}
  constructor(browser) { this.browser = browser }
  open(method, url) {
    this.method = method
    this.url = new URL(url, this.browser.origin)
  }
  setRequestHeader(name, value) { this.#headers[name] = value }
  getResponseHeader(name) { return this.#answer[name.toLowerCase()] ?? null }
  abort() {
    this.aborted = true
    this.req?.destroy()
    this.onabort?.()
  }
  async send(body) {
    const bytes = body === null ? Buffer.alloc(0) : Buffer.from(typeof body === 'string' ? body : await body.arrayBuffer())
    if (this.aborted) return
    if (!this.browser.online) return this.onerror()
    this.req = http.request(this.url, { method: this.method, headers: { ...this.#headers, 'Content-Length': bytes.length } }, (res) => {
      const parts = []
      res.on('data', (d) => parts.push(d))
      res.on('end', () => {
        if (this.aborted) return
        this.status = res.statusCode
        this.#answer = res.headers
        this.responseText = Buffer.concat(parts).toString()
        this.onload()
      })
    })
    this.req.on('error', () => { if (!this.aborted) this.onerror() })
    this.upload.onprogress?.({ loaded: Math.floor(bytes.length / 2) })
    this.req.end(bytes)
  }
}

// Storage is a Map with the interface of localStorage.
export class Storage {
  map = new Map()
  getItem(k) { return this.map.get(k) ?? null }
  setItem(k, v) { this.map.set(k, v) }
  removeItem(k) { this.map.delete(k) }
}
