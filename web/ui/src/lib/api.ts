// The API as our own pages call it: the session cookie signs same-origin
// requests (SEC-48), errors are problem documents.

export type Problem = {
  status: number
  detail: string
  code?: string
  fields: Record<string, string>
}

// problem reads an error answer; anything unreadable becomes a plain sentence.
export function problem(status: number, body: string): Problem {
  const out: Problem = { status, detail: '', fields: {} }
  try {
    const doc = JSON.parse(body) as { detail?: string; code?: string; 'invalid-params'?: Record<string, { msg?: string }> }
    out.detail = doc.detail ?? ''
    if (doc.code) out.code = doc.code
    for (const [name, value] of Object.entries(doc['invalid-params'] ?? {})) out.fields[name] = value.msg ?? 'This value is not allowed.'
  } catch { /* not a problem document */ }
  out.detail ||= sentence(status)
  return out
}

function sentence(status: number): string {
  switch (status) {
    case 0: return 'The server cannot be reached.'
    case 401: return 'You are no longer logged in. Log in again in another tab, then resume.'
    case 403: return 'You may not do this.'
    case 404: return 'The server does not know this any more.'
    case 413: return 'The file is larger than the server or your quota allows.'
    case 415: return 'The server does not take this kind of file.'
    case 422: return 'The server cannot read this file as a video.'
    case 429: return 'Too many requests. Wait a moment.'
    default: return `The server answered with an error (${status}).`
  }
}

export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method, headers: { Accept: 'application/json' } }
  if (body !== undefined) {
    init.headers = { ...init.headers, 'Content-Type': 'application/json' }
    init.body = JSON.stringify(body)
  }
  let answer: Response
  try {
    answer = await fetch(path, init)
  } catch {
    throw problem(0, '')
  }
  const text = await answer.text()
  if (!answer.ok) throw problem(answer.status, text)
  return (text ? JSON.parse(text) : undefined) as T
}
