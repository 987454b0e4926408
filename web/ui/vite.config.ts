import { defineConfig, type Plugin } from 'vite'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import zlib from 'node:zlib'

const root = import.meta.dirname

// hls.js is compiled from its own sources, with what Kinemesh does not use left
// out: 120 KB instead of 185 KB (gzip). Alternate audio stays, because remote
// videos may have their sound in a rendition of its own.
const hlsFlags = Object.fromEntries(
  Object.entries({
    ALT_AUDIO: true,
    SUBTITLES: false,
    EME_DRM: false,
    CMCD: false,
    CONTENT_STEERING: false,
    VARIABLE_SUBSTITUTION: false,
    M2TS_ADVANCED_CODECS: false,
    MEDIA_CAPABILITIES: false,
    INTERSTITIALS: false,
    IFRAMES: false,
  }).map(([name, on]) => [`__USE_${name}__`, String(on)]),
)

// sourceHash covers every input of the build, in the order that the Go test
// uses: path, NUL, content, NUL, over the sorted list of slash-separated paths.
function sourceHash(): string {
  const files = ['package.json', 'package-lock.json', 'tsconfig.json', 'vite.config.ts']
  for (const entry of readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) files.push(relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
  }
  const hash = createHash('sha256')
  for (const file of files.sort()) {
    hash.update(file).update('\0').update(readFileSync(join(root, file))).update('\0')
  }
  return hash.digest('hex')
}

// Packages whose code or files reach the browser; their licence texts go along.
const shipped = [
  '@fontsource-variable/inter', '@svta/cml-utils', 'eventemitter3', 'hls.js', 'media-chrome',
  'p2p-media-loader-core', 'p2p-media-loader-hlsjs', 'url-toolkit',
]

function licences(): string {
  return shipped.map((name) => {
    const dir = join(root, 'node_modules', name)
    const { version, license } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'))
    const file = readdirSync(dir).find((f) => /^licen[cs]e/i.test(f))
    const text = file ? readFileSync(join(dir, file), 'utf8').trim() : ''
    return `${name} ${version} (${license})\n\n${text}`
  }).join('\n\n' + '-'.repeat(72) + '\n\n') + '\n'
}

// finish runs in writeBundle: in generateBundle the preload markers of Vite are
// still unresolved, and a copy compressed there would throw at run time.
const finish: Plugin = {
  name: 'kinemesh-finish',
  apply: 'build',
  writeBundle(options, bundle) {
    const dir = options.dir!
    for (const name of Object.keys(bundle)) {
      if (!/\.(js|css|svg)$/.test(name)) continue
      const body = readFileSync(join(dir, name))
      writeFileSync(join(dir, name + '.br'), zlib.brotliCompressSync(body))
      writeFileSync(join(dir, name + '.gz'), zlib.gzipSync(body, { level: 9 }))
    }
    writeFileSync(join(dir, 'licences.txt'), licences())
    writeFileSync(join(dir, 'SOURCE_HASH'), sourceHash() + '\n')
  },
}

export default defineConfig({
  root,
  base: '/assets/',
  plugins: [finish],
  define: {
    ...hlsFlags,
    __IN_WORKER__: 'false',
    __HLS_WORKER_BUNDLE__: 'undefined',
    __VERSION__: JSON.stringify('1.7.4'),
  },
  resolve: {
    alias: {
      hlsbuild: resolve(root, 'node_modules/hls.js/src/hls.ts'),
      // The library's own entry needs Node's globals; the prebuilt file has them inside.
      'p2p-media-loader-core': resolve(root, 'node_modules/p2p-media-loader-core/dist/p2p-media-loader-core.es.min.js'),
    },
  },
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    manifest: 'manifest.json',
    target: 'es2022',
    assetsDir: '',
    assetsInlineLimit: 0,
    cssCodeSplit: true,
    reportCompressedSize: false,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: ['src/site.ts', 'src/watch.ts', 'src/embed.ts', 'src/publish.ts'],
    },
  },
})
