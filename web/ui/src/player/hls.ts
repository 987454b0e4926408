// The HLS engine: hls.js over plain HTTP from the first byte, peers brought in
// after the first frame by exchanging the fragment loader.
import Hls, { type ErrorData, type HlsConfig, type LoaderConfiguration, type LoaderContext, type LoaderCallbacks, type ManifestLoadedData } from 'hlsbuild'
import { type Engine, type EngineOptions, type Level, noStats } from './types'
import type { Peers } from './p2p'

const BUFFER_SECONDS = 30
// Before peers are attached little is read ahead: what is loaded over HTTP now
// could have come from peers, and cannot be offered to them.
const BUFFER_BEFORE_PEERS = 8
// Peers come in after the first frame, or after this when no frame comes.
const PEERS_AT_LATEST = 5000
const MAX_RETRY_DELAY = 15_000

export function supported(): boolean {
  return Hls.isSupported()
}

export function attach(video: HTMLVideoElement, options: EngineOptions): Engine {
  const stats = noStats()
  if (options.p2p) stats.p2p = 'waiting'
  const hls = new Hls({
    autoStartLoad: options.autoStart,
    startPosition: options.start || -1,
    capLevelToPlayerSize: true,
    startFragPrefetch: true,
    maxBufferLength: options.p2p ? BUFFER_BEFORE_PEERS : BUFFER_SECONDS,
    // By default hls.js fills 60 MB, which can be a whole video: viewers who leave
    // would have cost the server all of it, and peers would find nothing to share.
    maxBufferSize: 0,
    backBufferLength: 60,
    abrEwmaDefaultEstimate: 1_500_000,
    testBandwidth: false,
    fLoader: countingLoader((n) => { stats.httpBytes += n }),
  } as Partial<HlsConfig>)

  let manifest: ManifestLoadedData | undefined
  let peers: Peers | undefined
  let started = options.autoStart
  let destroyed = false
  let wanted = -1 // the level the viewer chose; -1 automatic
  let retries = 0
  let retryTimer = 0
  let loadingPeers = false

  // While the origin is down no other level can be entered: its playlist and
  // its init segment come from the origin alone.
  const setOriginDown = (down: boolean) => {
    if (stats.originDown === down || destroyed) return
    stats.originDown = down
    if (down) {
      const held = hls.levels[hls.loadLevel]?.details ? hls.loadLevel : hls.currentLevel
      if (held >= 0) hls.loadLevel = held
    } else {
      hls.loadLevel = wanted
      options.onMessage('')
      // A segment that nobody had is asked for again.
      hls.stopLoad()
      hls.startLoad(video.currentTime)
    }
  }
  const onWaiting = () => {
    if (stats.originDown) options.onMessage('The server does not answer, and no other viewer has this part. Trying again.')
  }
  const onPlaying = () => { if (stats.originDown) options.onMessage('') }
  video.addEventListener('waiting', onWaiting)
  video.addEventListener('playing', onPlaying)

  const bringPeers = async () => {
    if (!options.p2p || loadingPeers || destroyed || !manifest) return
    loadingPeers = true
    try {
      const { attachPeers } = await import('./p2p')
      if (destroyed) return
      peers = await attachPeers(hls, manifest, options.p2p, stats, setOriginDown)
      if (destroyed) return peers.destroy()
      stats.p2p = 'on'
    } catch {
      stats.p2p = 'failed' // plain HTTP goes on
    }
    hls.config.maxBufferLength = BUFFER_SECONDS
  }

  const retry = () => {
    clearTimeout(retryTimer)
    const delay = Math.min(MAX_RETRY_DELAY, 1000 * 2 ** retries++)
    if (retries > 1) options.onMessage(`The server does not answer. Trying again in ${Math.round(delay / 1000)} s.`)
    retryTimer = window.setTimeout(() => {
      if (destroyed) return
      if (!hls.levels.length) hls.loadSource(options.url)
      hls.startLoad(video.currentTime || options.start || -1)
    }, delay)
  }

  let lastRecovery = -Infinity
  const onError = (_: unknown, data: ErrorData) => {
    if (data.details === 'fragLoadError' || data.details === 'fragLoadTimeOut') void bringPeers()
    if (!data.fatal) return
    if (data.type === 'networkError') return retry()
    if (data.type === 'mediaError' && performance.now() - lastRecovery > 5000) {
      lastRecovery = performance.now()
      return hls.recoverMediaError()
    }
    options.onMessage('This video cannot be played in this browser.')
  }

  hls.on(Hls.Events.ERROR, onError)
  hls.on(Hls.Events.MANIFEST_LOADED, (_, data) => { manifest = data })
  hls.on(Hls.Events.MANIFEST_PARSED, () => options.onLevels())
  hls.on(Hls.Events.LEVEL_SWITCHED, () => options.onLevels())
  hls.on(Hls.Events.FRAG_BUFFERED, () => {
    retries = 0
    if (!stats.originDown) options.onMessage('')
  })

  if (options.p2p) {
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(() => void bringPeers())
    else video.addEventListener('playing', () => void bringPeers(), { once: true })
  }
  let latest = 0
  const armLatest = () => { latest = window.setTimeout(() => void bringPeers(), PEERS_AT_LATEST) }
  if (options.p2p && started) armLatest()

  hls.loadSource(options.url)
  hls.attachMedia(video)

  return {
    levels: (): Level[] => hls.levels.map((l, index) => ({ index, height: l.height, bitrate: l.bitrate })),
    get: () => (hls.currentLevel >= 0 ? hls.currentLevel : hls.loadLevel),
    auto: () => wanted === -1,
    set(index) {
      wanted = index
      if (!stats.originDown) hls.nextLevel = index
    },
    start() {
      if (started) return
      started = true
      if (options.p2p) armLatest()
      hls.startLoad(options.start || -1)
    },
    stats() {
      stats.level = hls.currentLevel
      stats.bandwidth = Math.round(hls.bandwidthEstimate)
      return { ...stats }
    },
    destroy() {
      destroyed = true
      video.removeEventListener('waiting', onWaiting)
      video.removeEventListener('playing', onPlaying)
      clearTimeout(retryTimer)
      clearTimeout(latest)
      peers?.destroy()
      hls.destroy()
    },
  }
}

// countingLoader is hls.js' own loader with a count of the bytes it brought.
function countingLoader(count: (bytes: number) => void) {
  return class extends Hls.DefaultConfig.loader {
    load(context: LoaderContext, config: LoaderConfiguration, callbacks: LoaderCallbacks<LoaderContext>): void {
      super.load(context, config, {
        ...callbacks,
        onSuccess(response, stats, ctx, details) {
          if (response.data instanceof ArrayBuffer) count(response.data.byteLength)
          callbacks.onSuccess(response, stats, ctx, details)
        },
      })
    }
  }
}
