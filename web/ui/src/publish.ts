// The publish page: the chosen file is sent at once while its metadata is
// edited; the form is saved when the upload has ended and "Publish" was pressed.
import './css/publish.css'
import { call, type Problem } from './lib/api'
import { bytes, left, percent } from './lib/format'
import { ResumableUpload, type Upload, type Video } from './lib/resumable'

type Progress = { state: number; label: string; percent: number; done: number; total: number; error: string }

const STATE_PUBLISHED = 1
const FAILED_STATES = new Set([7, 8, 11, 12])
const POLL = 2000

const $ = <E extends HTMLElement>(id: string) => document.getElementById(id) as E
const root = $('publish')
const drop = $<HTMLLabelElement>('drop')
const input = $<HTMLInputElement>('file')
const panel = $('upload')
const form = $<HTMLFormElement>('meta')
const bar = $<HTMLProgressElement>('bar')
const fileName = $('file-name')
const line = $('line')
const spoken = $('spoken')
const pause = $<HTMLButtonElement>('pause')
const resume = $<HTMLButtonElement>('resume')
const cancel = $<HTMLButtonElement>('cancel')
const submit = $<HTMLButtonElement>('submit')
const note = $('note')

let job: ResumableUpload | undefined
let video: Video | undefined
let wanted = false // "Publish" was pressed
let saved = false

function field(name: string): string {
  return (form.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement).value.trim()
}

function tags(): string[] {
  return [...new Set(field('tags').split(',').map((t) => t.trim()).filter(Boolean))]
}

const orNull = (text: string) => text || null
const numberOrNull = (text: string) => (text ? Number(text) : null)

function metadata(): Record<string, unknown> {
  return {
    name: field('name'),
    channelId: Number(field('channelId')),
    privacy: Number(field('privacy')),
    description: orNull(field('description')),
    category: numberOrNull(field('category')),
    licence: numberOrNull(field('licence')),
    language: orNull(field('language')),
    tags: tags(),
    nsfw: (form.elements.namedItem('nsfw') as HTMLInputElement).checked,
  }
}

// The session is opened as the page says (private): nobody but the owner sees
// anything before "Publish" is pressed.
function firstMetadata(file: File): Record<string, unknown> {
  const name = field('name')
  return {
    name: name.length >= 3 ? name.slice(0, 120) : title(file.name),
    channelId: Number(field('channelId')),
    privacy: Number(root.dataset.privacy),
    waitTranscoding: true,
  }
}

function title(file: string): string {
  const name = file.replace(/\.[^.]+$/, '').replace(/[_-]+/g, ' ').replace(/\s+/g, ' ').trim().slice(0, 120)
  return name.length >= 3 ? name : `Video ${name}`.trim()
}

function pick(file: File | null | undefined): void {
  if (!file || job) return
  const max = Number(root.dataset.max)
  if (max > 0 && file.size > max) return failPick(`This file has ${bytes(file.size)}. The limit is ${bytes(max)}.`)
  if (file.size === 0) return failPick('This file is empty.')
  $('pick-error').hidden = true
  drop.hidden = true
  panel.hidden = false
  form.hidden = false
  fileName.textContent = file.name
  const name = form.elements.namedItem('name') as HTMLInputElement
  if (!name.value) name.value = title(file.name)
  name.focus()
  job = new ResumableUpload(file, {
    endpoint: '/api/v1/videos/upload-resumable',
    metadata: () => firstMetadata(file),
    onChange: show,
    maxChunk: Number(root.dataset.chunk),
    storage: localStorage,
  })
  job.start()
}

function failPick(text: string): void {
  const box = $('pick-error')
  box.textContent = text
  box.hidden = false
}

let step = -1
function show(u: Upload): void {
  const done = percent(u.sent, u.total)
  bar.value = u.total ? u.sent / u.total : 0
  root.dataset.state = u.state
  panel.classList.toggle('bad', u.state === 'failed')
  pause.hidden = u.state !== 'running' && u.state !== 'waiting'
  resume.hidden = u.state !== 'paused' && u.state !== 'failed' && u.state !== 'waiting'
  resume.textContent = u.state === 'paused' ? 'Resume' : 'Try again now'
  cancel.hidden = u.state === 'done'
  line.classList.toggle('bad', u.state === 'failed')
  line.textContent = status(u, done)
  const now = Math.floor(done / 10)
  if (u.state === 'running' ? now !== step : spoken.dataset.state !== u.state) {
    spoken.textContent = u.state === 'running' ? `${now * 10} percent uploaded` : status(u, done)
  }
  step = now
  spoken.dataset.state = u.state
  if (u.state === 'done' && u.video && !video) void finished(u.video)
}

function status(u: Upload, done: number): string {
  const amount = `${bytes(u.sent)} of ${bytes(u.total)}`
  switch (u.state) {
    case 'running': {
      const rate = u.speed > 0 ? ` · ${bytes(u.speed)}/s · ${left((u.total - u.sent) / u.speed)}` : ''
      return u.sent === u.total ? `${amount} · the server is checking the file` : `${done} % · ${amount}${rate}`
    }
    case 'paused': return `Paused at ${done} % · ${amount}`
    case 'waiting': return `The connection broke at ${done} %. Trying again in ${u.retryIn} s`
    case 'offline': return `You are offline. The upload goes on from ${done} % when you are back`
    case 'done': return 'Uploaded'
    case 'failed': return u.error?.detail ?? 'Cancelled'
  }
}

async function finished(v: Video): Promise<void> {
  video = v
  note.textContent = 'The file has arrived. Press Publish when title and privacy are right.'
  if (wanted) void save()
  void poll(v)
}

async function save(): Promise<void> {
  if (!video) return
  submit.disabled = true
  submit.textContent = 'Saving…'
  try {
    await call('PUT', `/api/v1/videos/${video.uuid}`, metadata())
    saved = true
    note.textContent = ''
    const watch = document.createElement('a')
    watch.className = 'link'
    watch.href = `/w/${video.shortUUID}`
    watch.textContent = 'Open its page'
    note.append('Saved. ', watch)
  } catch (error) {
    wanted = false
    complain(error as Problem)
  }
  submit.disabled = false
  submit.textContent = saved ? 'Save changes' : 'Publish'
}

function complain(p: Problem): void {
  note.textContent = p.detail
  for (const [name, text] of Object.entries(p.fields)) fieldError(name.replace(/\[.*$/, ''), text)
  form.querySelector<HTMLElement>('[aria-invalid=true]')?.focus()
}

function fieldError(name: string, text: string): void {
  const control = form.elements.namedItem(name) as HTMLElement | null
  const box = $(`${name}-error`)
  if (!control || !box) return
  box.textContent = text
  box.hidden = !text
  if (text) control.setAttribute('aria-invalid', 'true')
  else control.removeAttribute('aria-invalid')
}

function valid(): boolean {
  const name = field('name')
  const description = field('description')
  const list = tags()
  fieldError('name', name.length < 3 ? 'A title has at least 3 characters.' : '')
  fieldError('description', description.length > 0 && description.length < 3 ? 'A description has at least 3 characters, or none.' : '')
  fieldError('tags', list.length > 5 ? 'At most 5 tags.' : list.some((t) => t.length < 2 || t.length > 30) ? 'Each tag has 2 to 30 characters.' : '')
  const first = form.querySelector<HTMLElement>('[aria-invalid=true]')
  first?.focus()
  return !first
}

// poll follows the video until it is published; the page may stay open.
async function poll(v: Video): Promise<void> {
  bar.removeAttribute('value')
  line.textContent = 'Preparing the video'
  const finish = (text: string, bad: boolean) => {
    bar.value = 1
    panel.classList.toggle('bad', bad)
    line.classList.toggle('bad', bad)
    line.textContent = text
    spoken.textContent = text
  }
  for (;;) {
    try {
      const d = await call<Progress>('GET', `/videos/progress/${v.uuid}`)
      root.dataset.video = String(d.state)
      if (d.state === STATE_PUBLISHED) return finish('Ready to watch', false)
      if (FAILED_STATES.has(d.state)) return finish(`${d.label}. ${d.error || 'The file could not be made playable.'}`, true)
      if (d.total) bar.value = d.percent / 100
      line.textContent = d.total ? `Transcoding · ${d.percent} % · ${d.done} of ${d.total} files ready` : 'Waiting for transcoding'
    } catch (error) {
      if ((error as Problem).status === 404) {
        line.textContent = 'The video was deleted.'
        return
      }
    }
    await new Promise((resolve) => setTimeout(resolve, POLL))
  }
}

input.addEventListener('change', () => pick(input.files?.[0]))
drop.addEventListener('dragover', (event) => {
  event.preventDefault()
  drop.classList.add('over')
})
drop.addEventListener('dragleave', () => drop.classList.remove('over'))
drop.addEventListener('drop', (event) => {
  event.preventDefault()
  drop.classList.remove('over')
  pick(event.dataTransfer?.files[0])
})
pause.addEventListener('click', () => job?.pause())
resume.addEventListener('click', () => job?.resume())
cancel.addEventListener('click', () => {
  const old = job
  job = undefined
  wanted = false
  void old?.cancel().finally(() => {
    panel.hidden = true
    form.hidden = true
    drop.hidden = false
    input.value = ''
    delete root.dataset.state
  })
})
form.addEventListener('submit', (event) => {
  event.preventDefault()
  if (!valid()) return
  wanted = true
  if (video) void save()
  else note.textContent = 'Your details are kept. The video is published when the upload has ended.'
})
form.addEventListener('input', (event) => {
  const name = (event.target as HTMLInputElement).name
  if (name) fieldError(name, '')
})
addEventListener('beforeunload', (event) => {
  if (job?.active || (video && !saved)) event.preventDefault()
})
