// Progressive enhancement of every page. Each control below is a working link
// or form without it.
import './css/tokens.css'
import './css/base.css'
import { toast } from './lib/toast'

const root = document.documentElement

function toggleTheme(): void {
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches
  root.dataset.theme = dark ? 'light' : 'dark'
  const secure = location.protocol === 'https:' ? ';secure' : ''
  document.cookie = `theme=${root.dataset.theme};path=/;max-age=31536000;samesite=lax${secure}`
}

async function loadMore(link: HTMLAnchorElement): Promise<void> {
  const list = document.querySelector(link.dataset.more!)
  if (!list || link.getAttribute('aria-busy')) return
  link.setAttribute('aria-busy', 'true')
  try {
    const answer = await fetch(link.href, { headers: { Accept: 'text/html' } })
    if (!answer.ok) throw new Error(String(answer.status))
    // The answer is our own escaped page; DOMParser runs no script of it.
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
    const cards = [...(page.querySelector(link.dataset.more!)?.children ?? [])]
    list.append(...cards)
    const next = page.querySelector<HTMLAnchorElement>('a[data-more]')
    if (next) {
      link.href = next.href
      link.removeAttribute('aria-busy')
    } else {
      link.parentElement!.hidden = true
    }
    cards[0]?.querySelector<HTMLElement>('h3 a')?.focus({ preventScroll: true })
    toast(`${cards.length} more videos`)
  } catch {
    location.href = link.href
  }
}

async function copy(button: HTMLElement): Promise<void> {
  const field = document.getElementById(button.dataset.copy!) as HTMLInputElement
  field.select()
  try {
    await navigator.clipboard.writeText(field.value)
  } catch {
    document.execCommand('copy')
  }
  toast('Copied')
}

document.addEventListener('click', (event) => {
  const target = event.target as Element
  if (target.closest('[data-theme-toggle]')) toggleTheme()
  const opener = target.closest<HTMLElement>('[data-dialog]')
  if (opener) {
    event.preventDefault()
    const dialog = document.getElementById(opener.dataset.dialog!) as HTMLDialogElement
    dialog.showModal()
  }
  target.closest('[data-close]')?.closest('dialog')?.close()
  if (target instanceof HTMLDialogElement) target.close()
  const copier = target.closest<HTMLElement>('[data-copy]')
  if (copier) void copy(copier)
  const more = target.closest<HTMLAnchorElement>('a[data-more]')
  if (more && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault()
    void loadMore(more)
  }
})

// A message is closed without a new page; the answer's cookie keeps it closed.
document.addEventListener('submit', (event) => {
  const form = event.target as HTMLFormElement
  if (!form.matches('[data-dismiss]')) return
  event.preventDefault()
  fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form) as unknown as Record<string, string>), redirect: 'manual' })
    .then(() => form.parentElement!.remove(), () => form.submit())
})

document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.altKey || event.metaKey) return
  if ((event.target as Element).closest('input, textarea, select, [contenteditable], dialog')) return
  event.preventDefault()
  document.querySelector<HTMLInputElement>('input[type=search]')?.focus()
})
