// clock writes seconds as 0:07, 12:34 or 1:02:03.
export function clock(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds || 0))
  const pad = (n: number) => String(n).padStart(2, '0')
  const h = Math.floor(s / 3600)
  const m = Math.floor(s / 60) % 60
  return h ? `${h}:${pad(m)}:${pad(s % 60)}` : `${m}:${pad(s % 60)}`
}

// bytes writes a size with decimal units, as file managers do.
export function bytes(n: number): string {
  if (n >= 1e9) return `${(n / 1e9).toFixed(2)} GB`
  if (n >= 1e6) return `${(n / 1e6).toFixed(1)} MB`
  if (n >= 1e3) return `${Math.round(n / 1e3)} kB`
  return `${n} bytes`
}

// percent gives whole percents, 0 of 0 being 0.
export function percent(part: number, whole: number): number {
  return whole > 0 ? Math.round((part / whole) * 100) : 0
}

// left writes a remaining time in words.
export function left(seconds: number): string {
  if (!Number.isFinite(seconds)) return ''
  const s = Math.ceil(seconds)
  if (s < 60) return `${s} s left`
  if (s < 3600) return `${Math.ceil(s / 60)} min left`
  return `${Math.floor(s / 3600)} h ${Math.ceil((s % 3600) / 60)} min left`
}

// timestamp reads ?start= values: 75, 75s, 1m15s, 1h2m3s, 1:15.
export function timestamp(text: string | null): number {
  if (!text) return 0
  const colon = /^(?:(\d+):)?(\d+):(\d+)$/.exec(text)
  if (colon) return Number(colon[1] ?? 0) * 3600 + Number(colon[2]) * 60 + Number(colon[3])
  const units = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?$/.exec(text)
  return units ? Number(units[1] ?? 0) * 3600 + Number(units[2] ?? 0) * 60 + Number(units[3] ?? 0) : 0
}
