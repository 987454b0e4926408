// What the element and its engines tell each other.

export type Level = { index: number; height: number; bitrate: number }

// PlayerStats is what <kinemesh-player>.stats() returns.
export type PlayerStats = {
  httpBytes: number
  p2pBytes: number
  uploadBytes: number
  peers: number
  validated: number // segments from peers or server whose SHA-256 matched
  invalid: number // segments refused because it did not
  p2p: 'off' | 'waiting' | 'on' | 'failed'
  originDown: boolean
  level: number
  bandwidth: number // bits a second
}

export type P2POptions = {
  trackers: string[]
  iceServers: RTCIceServer[]
  sha256: string // URL of segments-sha256.json
  swarm: string // URL of the origin's master playlist: the same on every instance
}

export type EngineOptions = {
  url: string
  autoStart: boolean
  start: number
  p2p: P2POptions | null
  onMessage: (text: string) => void // '' clears it
  onLevels: () => void
}

export interface Engine {
  levels(): Level[]
  get(): number // index of the level in use
  set(index: number): void // -1: automatic
  auto(): boolean
  start(): void // begin loading when autoStart was off
  stats(): PlayerStats
  destroy(): void
}

export function noStats(): PlayerStats {
  return { httpBytes: 0, p2pBytes: 0, uploadBytes: 0, peers: 0, validated: 0, invalid: 0, p2p: 'off', originDown: false, level: -1, bandwidth: 0 }
}
