import './css/watch.css'
import './css/player.css'
import './player/player'
import type { KinemeshPlayer } from './player/player'
import type { PlayerStats } from './player/types'
import { percent } from './lib/format'

const player = document.querySelector<KinemeshPlayer>('kinemesh-player')

// The line below the title: in words, and only once peers are in play.
const line = document.querySelector<HTMLElement>('[data-p2p-line]')
player?.addEventListener('kinemesh-stats', (event) => {
  if (!line) return
  const s = (event as CustomEvent<PlayerStats>).detail
  const label = line.querySelector('span')!
  line.hidden = false
  line.classList.toggle('on', s.peers > 0)
  if (s.peers === 0 && s.p2pBytes === 0) label.textContent = 'Peer-assisted · no other viewer yet'
  else label.textContent = `Peer-assisted · ${s.peers} ${s.peers === 1 ? 'peer' : 'peers'} · ${percent(s.p2pBytes, s.p2pBytes + s.httpBytes)} % from peers`
})

// Long descriptions are cut after four lines, with a button to read on.
const text = document.querySelector<HTMLElement>('[data-clamp]')
if (text) {
  text.classList.add('clamp')
  if (text.scrollHeight > text.clientHeight + 4) {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'expand'
    button.textContent = 'Show more'
    button.setAttribute('aria-expanded', 'false')
    button.addEventListener('click', () => {
      const open = !text.classList.toggle('clamp')
      button.textContent = open ? 'Show less' : 'Show more'
      button.setAttribute('aria-expanded', String(open))
    })
    text.after(button)
  } else {
    text.classList.remove('clamp')
  }
}

// A video that is being prepared: say how far it is, and show it when it can play.
const waiting = document.querySelector<HTMLElement>('[data-progress]')
if (waiting) {
  const bar = document.createElement('progress')
  bar.max = 100
  bar.setAttribute('aria-label', 'Transcoding')
  waiting.append(bar)
  const look = async () => {
    try {
      const answer = await fetch(`/videos/progress/${waiting.dataset.progress}`)
      const d = await answer.json() as { state: number; percent: number; done: number }
      if (answer.ok && (d.done > 0 || d.state !== 2)) return location.reload()
      bar.value = d.percent
    } catch { /* the next look may succeed */ }
    setTimeout(look, 3000)
  }
  setTimeout(look, 1000)
}
