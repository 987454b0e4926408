import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load } from './load.mjs'

const f = await load('lib/format.ts')

test('clock', () => {
  for (const [seconds, want] of [[-1, '0:00'], [7, '0:07'], [754, '12:34'], [3723, '1:02:03'], [NaN, '0:00']]) assert.equal(f.clock(seconds), want)
})
test('bytes', () => {
  for (const [n, want] of [[0, '0 bytes'], [1500, '2 kB'], [2_340_000, '2.3 MB'], [8e9, '8.00 GB']]) assert.equal(f.bytes(n), want)
})
test('percent', () => {
  for (const [part, whole, want] of [[0, 0, 0], [1, 3, 33], [3, 3, 100]]) assert.equal(f.percent(part, whole), want)
})
test('left', () => {
  for (const [s, want] of [[0.4, '1 s left'], [59, '59 s left'], [61, '2 min left'], [3700, '1 h 2 min left'], [Infinity, '']]) assert.equal(f.left(s), want)
})
test('timestamp reads the forms of PeerTube', () => {
  for (const [text, want] of [['75', 75], ['75s', 75], ['1m15s', 75], ['1h2m3s', 3723], ['2m', 120], ['1:15', 75], ['1:02:03', 3723], ['', 0], [null, 0], ['x', 0], ['-5', 0]]) {
    assert.equal(f.timestamp(text), want, String(text))
  }
})
