// Reads a feed from standard input as feed readers do, and prints what it found
// as JSON. Usage: node feeds.mjs rss|atom|json|podcast
import { readFileSync } from 'node:fs'
import { parseAtomFeed, parseJsonFeed, parseRssFeed } from 'feedsmith'
import partytime from 'podcast-partytime'

const text = readFileSync(0, 'utf8')
const kind = process.argv[2]
let out
if (kind === 'rss') out = parseRssFeed(text)
if (kind === 'atom') out = parseAtomFeed(text)
if (kind === 'json') out = parseJsonFeed(text)
if (kind === 'podcast') out = partytime.parseFeed(text, { allowMissingGuid: false })
if (!out) throw new Error('not a ' + kind + ' feed')
process.stdout.write(JSON.stringify(out))
