// The controls: media-chrome's elements around the video. Only the elements in
// use are imported.
import 'media-chrome/dist/media-controller.js'
import 'media-chrome/dist/media-control-bar.js'
import 'media-chrome/dist/media-play-button.js'
import 'media-chrome/dist/media-mute-button.js'
import 'media-chrome/dist/media-volume-range.js'
import 'media-chrome/dist/media-time-range.js'
import 'media-chrome/dist/media-preview-time-display.js'
import 'media-chrome/dist/media-time-display.js'
import 'media-chrome/dist/media-captions-button.js'
import 'media-chrome/dist/media-pip-button.js'
import 'media-chrome/dist/media-fullscreen-button.js'
import 'media-chrome/dist/media-loading-indicator.js'
import 'media-chrome/dist/media-chrome-button.js'
import 'media-chrome/dist/menu/media-settings-menu.js'
import 'media-chrome/dist/menu/media-settings-menu-item.js'
import 'media-chrome/dist/menu/media-settings-menu-button.js'
import 'media-chrome/dist/menu/media-chrome-menu.js'
import 'media-chrome/dist/menu/media-chrome-menu-item.js'
import 'media-chrome/dist/menu/media-playback-rate-menu.js'
import 'media-chrome/dist/menu/media-captions-menu.js'

export type Parts = {
  controller: HTMLElement
  qualityMenu: HTMLElement
  qualityItem: HTMLElement
  p2pItem: HTMLElement
  statsItem: HTMLElement
  wide: HTMLElement
  stats: HTMLElement
  message: HTMLElement
}

const wideIcon = '<svg class="k-line" aria-hidden="true" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"><rect x="3" y="6.500" width="18" height="11" rx="2"/></svg>'

const gearIcon = '<svg class="k-line" slot="icon" aria-hidden="true" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"><path d="M4 7h8M18 7h2M4 17h2M12 17h8"/><circle cx="15" cy="7" r="2.500"/><circle cx="9" cy="17" r="2.500"/></svg>'

// Constant markup: nothing from the page goes in here.
const template = (theatre: boolean, captions: boolean) => `
<media-controller nohotkeys breakpoints="sm:384">
  <div class="k-shade k-controls"></div>
  <div slot="top-chrome" class="k-message" role="status" hidden></div>
  <dl slot="top-chrome" class="k-stats" hidden></dl>
  <media-loading-indicator slot="centered-chrome" noautohide></media-loading-indicator>
  <media-play-button slot="centered-chrome" class="k-big" notooltip></media-play-button>
  <media-settings-menu hidden class="k-menu">
    <media-settings-menu-item class="k-quality" hidden>Quality
      <media-chrome-menu slot="submenu" class="k-levels" hidden><div slot="title">Quality</div></media-chrome-menu>
    </media-settings-menu-item>
    <media-settings-menu-item>Speed
      <media-playback-rate-menu slot="submenu" hidden rates="0.5 0.75 1 1.25 1.5 1.75 2"><div slot="title">Speed</div></media-playback-rate-menu>
    </media-settings-menu-item>
    ${captions ? `<media-settings-menu-item>Captions
      <media-captions-menu slot="submenu" hidden><div slot="title">Captions</div></media-captions-menu>
    </media-settings-menu-item>` : ''}
    <media-chrome-menu-item type="checkbox" class="k-p2p" value="p2p" hidden>Peer to peer</media-chrome-menu-item>
    <media-chrome-menu-item type="checkbox" class="k-statsitem" value="stats">Statistics</media-chrome-menu-item>
  </media-settings-menu>
  <media-control-bar class="k-seek k-controls">
    <media-time-range><media-preview-time-display slot="preview"></media-preview-time-display></media-time-range>
  </media-control-bar>
  <media-control-bar class="k-controls">
    <media-play-button></media-play-button>
    <media-mute-button></media-mute-button>
    <media-volume-range></media-volume-range>
    <media-time-display showduration notoggle></media-time-display>
    <span class="k-space"></span>
    ${captions ? '<media-captions-button></media-captions-button>' : ''}
    <media-settings-menu-button>${gearIcon}</media-settings-menu-button>
    <media-pip-button></media-pip-button>
    ${theatre ? `<media-chrome-button class="k-wide" role="button" aria-label="Theatre mode" aria-pressed="false">${wideIcon}<span slot="tooltip-content">Theatre mode</span></media-chrome-button>` : ''}
    <media-fullscreen-button></media-fullscreen-button>
  </media-control-bar>
</media-controller>`

// build wraps the video, which must be a child of host, into the controls.
export function build(host: HTMLElement, video: HTMLVideoElement, theatre: boolean): Parts {
  const holder = document.createElement('template')
  holder.innerHTML = template(theatre, video.querySelector('track') !== null)
  const controller = document.importNode(holder.content, true).firstElementChild as HTMLElement
  const find = (selector: string) => controller.querySelector<HTMLElement>(selector)!
  const parts: Parts = {
    controller,
    qualityMenu: find('.k-levels'),
    qualityItem: find('.k-quality'),
    p2pItem: find('.k-p2p'),
    statsItem: find('.k-statsitem'),
    wide: find('.k-wide'),
    stats: find('.k-stats'),
    message: find('.k-message'),
  }
  video.slot = 'media'
  video.controls = false
  host.append(controller)
  controller.prepend(video)
  return parts
}
