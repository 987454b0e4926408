// <kinemesh-player> upgrades the video that the server rendered: controls,
// streaming engine, peers, remembered settings.
//
// Attributes: hls (URL of the master playlist), duration (seconds), label,
// start (seconds), autoplay, p2p, theatre, and as JSON or text: trackers
// (["wss://…"]), ice (RTCIceServer list), sha256 (URL of segments-sha256.json),
// swarm (URL of the origin's master playlist), video (UUID for which the server
// is told what is watched).
import { build, type Parts } from './chrome'
import { shortcut } from './keys'
import { type Engine, noStats, type P2POptions, type PlayerStats } from './types'
import { bytes, percent, timestamp } from '../lib/format'

const STATS_EVERY = 1000
const BEAT_EVERY = 5000 // what PeerTube's player does

const store = {
  get(key: string): string | null {
    try { return localStorage.getItem(`kinemesh.${key}`) } catch { return null }
  },
  set(key: string, value: string): void {
    try { localStorage.setItem(`kinemesh.${key}`, value) } catch { /* private mode */ }
  },
}

export class KinemeshPlayer extends HTMLElement {
  video!: HTMLVideoElement
  #parts!: Parts
  #engine: Engine | undefined
  #starting: Promise<void> | undefined
  #timer = 0
  #off = new AbortController()
  #query = new URLSearchParams(location.search)

  connectedCallback(): void {
    if (this.video) return
    const video = this.querySelector('video')
    if (!video) return
    this.video = video
    this.setAttribute('role', 'region')
    this.setAttribute('aria-label', this.getAttribute('label') || 'Video player')
    this.toggleAttribute('data-fresh', true)
    video.loop = this.#flag('loop')
    video.muted = this.#flag('muted')
    this.#parts = build(this, video, this.hasAttribute('theatre'))
    this.#listen()
    const auto = this.hasAttribute('autoplay')
    if (auto) void this.#start().then(() => this.#play())
    else this.#whenIdle(() => void this.#start())
  }

  disconnectedCallback(): void {
    this.#off.abort()
    clearInterval(this.#timer)
    this.#engine?.destroy()
  }

  // stats reports bytes by source, for the statistics panel and for tests.
  stats(): PlayerStats {
    return this.#engine?.stats() ?? noStats()
  }

  // engine is the streaming engine once it runs; undefined for plain files.
  get engine(): Engine | undefined {
    return this.#engine
  }

  #flag(name: string): boolean {
    const value = this.#query.get(name)
    return value !== null && value !== '0' && value !== 'false'
  }

  #whenIdle(work: () => void): void {
    if ('requestIdleCallback' in window) requestIdleCallback(work, { timeout: 1500 })
    else setTimeout(work, 200)
  }

  // start brings up the engine once. Where MediaSource is missing the sources
  // that the server rendered stay: native HLS, then the progressive file.
  #start(): Promise<void> {
    this.#starting ??= this.#load()
    return this.#starting
  }

  async #load(): Promise<void> {
    const url = this.getAttribute('hls')
    const start = timestamp(this.#query.get('start') ?? this.getAttribute('start'))
    if (!url || !('MediaSource' in window || 'ManagedMediaSource' in window)) {
      if (start) this.video.currentTime = start
      return
    }
    const { attach, supported } = await import('./hls')
    if (!supported() || !this.isConnected) return
    const playing = !this.video.paused
    this.video.querySelectorAll('source').forEach((s) => s.remove())
    this.#engine = attach(this.video, {
      url: new URL(url, location.href).href,
      autoStart: playing || this.hasAttribute('autoplay'),
      start,
      p2p: this.#p2p(),
      onMessage: (text) => {
        this.#parts.message.textContent = text
        this.#parts.message.hidden = !text
      },
      onLevels: () => this.#qualities(),
    })
    if (playing) void this.#play()
    this.#timer = window.setInterval(() => this.#tick(), STATS_EVERY)
  }

  async #play(): Promise<void> {
    await this.#start()
    this.#engine?.start()
    try {
      await this.video.play()
    } catch {
      // Autoplay refused: the big button waits for the viewer.
      if (this.video.paused) this.toggleAttribute('data-fresh', true)
    }
  }

  #p2p(): P2POptions | null {
    const asked = this.#query.get('p2p')
    const trackers = this.#json<string[]>('trackers', [])
    const sha256 = this.getAttribute('sha256')
    const swarm = this.getAttribute('swarm')
    if (!this.hasAttribute('p2p') || !trackers.length || !sha256 || !swarm || !('RTCPeerConnection' in window)) return null
    this.#parts.p2pItem.hidden = false
    const on = asked === null ? store.get('p2p') !== '0' : this.#flag('p2p')
    this.#check(this.#parts.p2pItem, on)
    if (!on) return null
    return { trackers, sha256: new URL(sha256, location.href).href, swarm, iceServers: this.#json<RTCIceServer[]>('ice', []) }
  }

  #json<T>(name: string, fallback: T): T {
    try { return JSON.parse(this.getAttribute(name) ?? '') as T } catch { return fallback }
  }

  #check(item: HTMLElement, on: boolean): void {
    item.toggleAttribute('checked', on)
    item.setAttribute('aria-checked', String(on))
  }

  #listen(): void {
    const { video } = this
    const { controller, p2pItem, statsItem, qualityMenu, wide, stats } = this.#parts
    const o = { signal: this.#off.signal }
    // Any play request, by button, key, media session or script, wakes the engine.
    video.addEventListener('play', () => {
      this.removeAttribute('data-fresh')
      if (this.#engine) this.#engine.start()
      else void this.#play()
    }, o)
    this.#tell(o)
    const stop = timestamp(this.#query.get('stop'))
    if (stop) {
      const atStop = () => {
        if (video.currentTime < stop) return
        video.pause()
        video.removeEventListener('timeupdate', atStop)
      }
      video.addEventListener('timeupdate', atStop, o)
    }
    video.requestVideoFrameCallback?.(() => performance.mark('kinemesh-first-frame'))
    qualityMenu.addEventListener('change', () => this.#engine?.set(Number((qualityMenu as HTMLElement & { value: string }).value)), o)
    p2pItem.addEventListener('click', () => {
      const on = store.get('p2p') === '0'
      store.set('p2p', on ? '1' : '0')
      this.#check(p2pItem, on)
      this.#parts.message.textContent = `Peer to peer is ${on ? 'on' : 'off'} from the next video on.`
      this.#parts.message.hidden = false
      setTimeout(() => { this.#parts.message.hidden = true }, 3000)
    }, o)
    statsItem.addEventListener('click', () => {
      stats.hidden = !stats.hidden
      this.#check(statsItem, !stats.hidden)
      this.#tick()
    }, o)
    wide?.addEventListener('click', () => this.#theatre(), o)
    if (this.hasAttribute('theatre') && store.get('theatre') === '1') this.#theatre()
    document.addEventListener('keydown', (event) => {
      if (store.get('keys') === '0') return
      const done = shortcut(event, {
        video, host: this,
        play: () => void (video.paused ? this.#play() : video.pause()),
        captions: () => controller.querySelector<HTMLElement>('media-captions-button')?.click(),
        fullscreen: () => controller.querySelector<HTMLElement>('media-fullscreen-button')?.click(),
        pip: () => controller.querySelector<HTMLElement>('media-pip-button')?.click(),
        theatre: () => this.#theatre(),
      })
      if (done) event.preventDefault()
    }, o)
  }

  // The server is told every few seconds what is watched, and where: it counts
  // views and remembers for users where they stopped.
  #tell(o: AddEventListenerOptions): void {
    const uuid = this.getAttribute('video')
    if (!uuid) return
    const { video } = this
    let last = 0 // when it was told last; 0: it has not begun
    const tell = (seek = false) => {
      last = Date.now()
      void fetch(`/api/v1/videos/${uuid}/views`, {
        method: 'POST', headers: { 'Content-Type': 'application/json' }, keepalive: true,
        body: JSON.stringify({ currentTime: Math.floor(video.currentTime), ...(seek && { viewEvent: 'seek' }) }),
      }).catch(() => undefined)
    }
    video.addEventListener('playing', () => { if (!last) tell() }, o)
    video.addEventListener('timeupdate', () => { if (last && !video.paused && Date.now() - last >= BEAT_EVERY) tell() }, o)
    let sought = 0
    video.addEventListener('seeked', () => {
      clearTimeout(sought) // who drags seeks many times
      if (last) sought = window.setTimeout(() => tell(true), 500)
    }, o)
    video.addEventListener('pause', () => { if (last && !video.seeking) tell() }, o)
    window.addEventListener('pagehide', () => { if (last && !video.paused) tell() }, o)
  }

  #theatre(): void {
    const { wide } = this.#parts
    if (!wide) return
    const on = document.documentElement.toggleAttribute('data-theatre')
    wide.setAttribute('aria-pressed', String(on))
    store.set('theatre', on ? '1' : '0')
  }

  #qualities(): void {
    const engine = this.#engine
    if (!engine) return
    const { qualityItem, qualityMenu } = this.#parts
    const levels = engine.levels().sort((a, b) => b.height - a.height || b.bitrate - a.bitrate)
    const now = levels.find((l) => l.index === engine.get())
    qualityItem.hidden = levels.length < 2
    const items = qualityMenu.querySelectorAll('media-chrome-menu-item')
    const auto = `Auto${now && engine.auto() ? ` (${now.height}p)` : ''}`
    if (items.length === levels.length + 1) {
      items[0]!.textContent = auto
      return
    }
    items.forEach((i) => i.remove())
    const add = (value: number, text: string) => {
      const item = document.createElement('media-chrome-menu-item')
      item.setAttribute('type', 'radio')
      item.setAttribute('value', String(value))
      if (value === -1) item.setAttribute('checked', '')
      item.textContent = text
      qualityMenu.append(item)
    }
    add(-1, auto)
    for (const l of levels) add(l.index, `${l.height}p`)
  }

  #tick(): void {
    const s = this.stats()
    if (s.p2p === 'on') this.dispatchEvent(new CustomEvent<PlayerStats>('kinemesh-stats', { detail: s, bubbles: true }))
    const { stats } = this.#parts
    if (stats.hidden) return
    const { video } = this
    const q = video.getVideoPlaybackQuality()
    const end = video.buffered.length ? video.buffered.end(video.buffered.length - 1) : video.currentTime
    const rows: [string, string][] = [
      ['Resolution', `${video.videoWidth}×${video.videoHeight}`],
      ['Dropped frames', `${q.droppedVideoFrames} of ${q.totalVideoFrames}`],
      ['Buffer', `${(end - video.currentTime).toFixed(1)} s`],
      ['Bandwidth', `${(s.bandwidth / 1e6).toFixed(1)} Mbit/s`],
      ['From server', bytes(s.httpBytes)],
      ['From peers', `${bytes(s.p2pBytes)} (${percent(s.p2pBytes, s.p2pBytes + s.httpBytes)} %)`],
      ['To peers', bytes(s.uploadBytes)],
      ['Peers', s.p2p === 'on' ? String(s.peers) : { off: 'off', waiting: 'starting', failed: 'not available' }[s.p2p]],
      ['Segments checked', `${s.validated}${s.invalid ? `, ${s.invalid} refused` : ''}`],
    ]
    stats.replaceChildren(...rows.map(([name, value]) => {
      const row = document.createElement('div')
      const dt = document.createElement('dt')
      const dd = document.createElement('dd')
      dt.textContent = name
      dd.textContent = value
      row.append(dt, dd)
      return row
    }))
  }
}

if (!customElements.get('kinemesh-player')) customElements.define('kinemesh-player', KinemeshPlayer)
