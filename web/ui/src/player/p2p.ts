// Segments from other viewers: p2p-media-loader bound to an hls.js that is
// already playing.
import type Hls from 'hls.js'
import type { Events, FragmentLoaderConstructor, HlsConfig, LevelDetails, ManifestLoadedData } from 'hls.js'
import { HlsJsP2PEngine } from 'p2p-media-loader-hlsjs'
import type { P2POptions, PlayerStats } from './types'

// Segments starting within this many seconds are taken from the server at once.
const URGENT_SECONDS = 12
const HTTP_DOWNLOADS = 2
const HTTP_RETRIES = 3
const PROBE_FIRST = 1000
const PROBE_LAST = 10_000

export type Peers = { destroy(): void }

// The engine registers for events of hls.js when it is created before the
// playlists are loaded. Ours comes later, so what it missed is told to its
// handlers. They are not in its types; the version is pinned, and the browser
// test in ui/test fails when they change.
type LateEngine = {
  handleManifestLoaded(event: string, data: ManifestLoadedData): void
  handleLevelUpdated(event: string, data: { details: LevelDetails }): void
  handleLevelSwitching(event: string, data: { bitrate: number }): void
}

type ByteRange = { start: number; end: number }

export async function attachPeers(
  hls: Hls, manifest: ManifestLoadedData, options: P2POptions,
  stats: PlayerStats, setOriginDown: (down: boolean) => void,
): Promise<Peers> {
  // Hashing needs a secure context; unchecked segments are not taken from strangers.
  if (!globalThis.crypto?.subtle) throw new Error('no hashing here')
  const check = await hashes(options.sha256)
  const count = (ok: boolean) => {
    if (ok) stats.validated++
    else stats.invalid++
    return ok
  }
  const validate = async (url: string, range: ByteRange | undefined, data: ArrayBuffer) => count(await check(url, range, data))

  const engine = new HlsJsP2PEngine({
    core: {
      swarmId: options.swarm,
      announceTrackers: options.trackers,
      rtcConfig: { iceServers: options.iceServers },
      highDemandTimeWindow: URGENT_SECONDS,
      simultaneousHttpDownloads: HTTP_DOWNLOADS,
      httpErrorRetries: HTTP_RETRIES,
      isP2PUploadDisabled: onCellular(),
      validateP2PSegment: validate,
      validateHTTPSegment: validate,
    },
  })
  engine.addEventListener('onChunkDownloaded', (n, source) => {
    if (source === 'p2p') stats.p2pBytes += n
    else stats.httpBytes += n
  })
  engine.addEventListener('onChunkUploaded', (n) => { stats.uploadBytes += n })
  engine.addEventListener('onPeerConnect', () => { stats.peers++ })
  engine.addEventListener('onPeerClose', () => { stats.peers = Math.max(0, stats.peers - 1) })

  const origin = watchOrigin((down) => {
    // No HTTP slot: even urgent segments are then asked of peers, without end.
    engine.applyDynamicConfig({
      core: down
        ? { simultaneousHttpDownloads: 0, httpErrorRetries: Number.MAX_SAFE_INTEGER }
        : { simultaneousHttpDownloads: HTTP_DOWNLOADS, httpErrorRetries: HTTP_RETRIES },
    })
    setOriginDown(down)
  })
  engine.addEventListener('onSegmentError', (details) => {
    if (details.downloadSource === 'http') origin.suspect(details.segment.url)
  })

  bindLate(hls, engine, manifest)
  const onPageHide = () => engine.destroy()
  addEventListener('pagehide', onPageHide, { once: true })

  return {
    destroy() {
      removeEventListener('pagehide', onPageHide)
      origin.stop()
      engine.destroy()
    },
  }
}

function bindLate(hls: Hls, engine: HlsJsP2PEngine, manifest: ManifestLoadedData): void {
  const { fLoader, pLoader } = engine.getConfigForHlsJs() as Pick<HlsConfig, 'fLoader' | 'pLoader'>
  engine.bindHls(hls)
  // Making one playlist loader is what registers the engine's handlers.
  new pLoader!(hls.config).destroy()
  const late = engine as unknown as LateEngine
  const tell = () => {
    late.handleManifestLoaded('hlsManifestLoaded', manifest)
    for (const level of hls.levels) if (level.details) late.handleLevelUpdated('hlsLevelUpdated', { details: level.details })
    for (const track of hls.audioTracks) if (track.details) late.handleLevelUpdated('hlsAudioTrackLoaded', { details: track.details })
    const current = hls.levels[hls.loadLevel]
    if (current) late.handleLevelSwitching('hlsLevelSwitching', { bitrate: current.bitrate })
  }
  tell()
  // Recovery from a media error attaches the media again, and the engine then
  // forgets its streams.
  hls.on('hlsMediaAttached' as Events.MEDIA_ATTACHED, tell)
  hls.config.fLoader = fLoader as FragmentLoaderConstructor
}

// hashes returns a check against segments-sha256.json: {file: {"start-end": hex}}
// or {file: hex}. A segment that the list does not name is refused. The list is
// read again (at most every few seconds) when it lacks a file, as live ones grow.
async function hashes(url: string) {
  type List = Record<string, string | Record<string, string>>
  const load = async (): Promise<List> => {
    const answer = await fetch(url)
    if (!answer.ok) throw new Error(`segment hashes: ${answer.status}`)
    return await answer.json() as List
  }
  let list = await load()
  let read = performance.now()
  return async (segment: string, range: ByteRange | undefined, data: ArrayBuffer): Promise<boolean> => {
    const file = new URL(segment, location.href).pathname.split('/').pop()!
    const find = () => {
      const entry = list[file]
      return typeof entry === 'object' ? entry[`${range?.start}-${range?.end}`] : entry
    }
    if (!find() && performance.now() - read > 5000) {
      read = performance.now()
      list = await load().catch(() => list)
    }
    const want = find()
    if (!want) return false
    const sum = new Uint8Array(await crypto.subtle.digest('SHA-256', data))
    return [...sum].map((b) => b.toString(16).padStart(2, '0')).join('') === want.toLowerCase()
  }
}

// watchOrigin decides from failed segments, by a probe of its own, whether the
// origin answers at all, and when it does again.
function watchOrigin(tell: (down: boolean) => void) {
  let down = false
  let probing = false
  let stopped = false
  const answers = async (url: string) => {
    try {
      const answer = await fetch(url, { headers: { Range: 'bytes=0-0' }, cache: 'no-store', signal: AbortSignal.timeout(5000) })
      await answer.body?.cancel()
      return answer.status < 500
    } catch {
      return false
    }
  }
  return {
    async suspect(url: string) {
      if (probing) return
      probing = true
      for (let wait = PROBE_FIRST; !stopped; wait = Math.min(PROBE_LAST, wait * 2)) {
        const ok = await answers(url)
        if (stopped) break
        if (ok === down) tell(down = !ok)
        if (ok) break
        await new Promise((resolve) => setTimeout(resolve, wait))
      }
      probing = false
    },
    stop() { stopped = true },
  }
}

// Mobile data costs the viewer money: such a viewer takes but does not give.
function onCellular(): boolean {
  const net = (navigator as Navigator & { connection?: { type?: string } }).connection
  return net?.type === 'cellular'
}
