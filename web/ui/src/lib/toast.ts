// toast shows a short message for a few seconds and reads it to screen readers.
export function toast(text: string): void {
  let region = document.querySelector<HTMLElement>('[data-toast]')
  if (!region) {
    region = document.createElement('div')
    region.dataset.toast = ''
    region.setAttribute('role', 'status')
    document.body.append(region)
  }
  const note = document.createElement('div')
  note.className = 'toast'
  note.textContent = text
  region.replaceChildren(note)
  setTimeout(() => note.remove(), 2500)
}
