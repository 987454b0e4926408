// Keyboard shortcuts of the player. They act while nothing that takes keys of
// its own has the focus, and can be switched off (WCAG 2.1.4).
export type Actions = {
  video: HTMLVideoElement
  host: HTMLElement
  play(): void
  captions(): void
  fullscreen(): void
  theatre(): void
  pip(): void
}

const ownKeys = 'input:not([type=range]), textarea, select, [contenteditable], dialog, media-settings-menu, media-chrome-menu'
const pressable = 'button, a, summary, [role=button], [role=menuitem], [role=switch]'

export function shortcut(event: KeyboardEvent, a: Actions): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return false
  const target = event.target as Element
  if (target.closest(ownKeys)) return false
  const { video } = a
  const inside = a.host.contains(target)
  const key = event.key
  // A focused control or slider keeps its own keys.
  if (key === ' ' && (target.closest(pressable) || target.matches('media-play-button'))) return false
  if (key.startsWith('Arrow') && target.closest('media-time-range, media-volume-range, [role=slider]')) return false
  if (/^[0-9]$/.test(key)) {
    if (video.duration) video.currentTime = (video.duration * Number(key)) / 10
    return true
  }
  const seek = (by: number) => { video.currentTime = Math.max(0, video.currentTime + by) }
  const volume = (by: number) => { video.volume = Math.min(1, Math.max(0, video.volume + by)) }
  const rate = (by: number) => { video.playbackRate = Math.min(3, Math.max(0.25, video.playbackRate + by)) }
  switch (key) {
    case ' ': case 'k': a.play(); break
    case 'j': seek(-10); break
    case 'l': seek(10); break
    case 'm': video.muted = !video.muted; break
    case 'f': a.fullscreen(); break
    case 't': a.theatre(); break
    case 'i': a.pip(); break
    case 'c': a.captions(); break
    case '<': rate(-0.25); break
    case '>': rate(0.25); break
    case 'ArrowLeft': if (!inside) return false; seek(-5); break
    case 'ArrowRight': if (!inside) return false; seek(5); break
    case 'ArrowUp': if (!inside) return false; volume(0.05); break
    case 'ArrowDown': if (!inside) return false; volume(-0.05); break
    case ',': if (!video.paused) return false; seek(-1 / 30); break
    case '.': if (!video.paused) return false; seek(1 / 30); break
    default: return false
  }
  return true
}
