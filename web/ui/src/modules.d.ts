// hls.js compiled from its own sources (vite.config.ts); same interface as the package.
declare module 'hlsbuild' {
  import Hls from 'hls.js'
  export * from 'hls.js'
  export default Hls
}
declare module '*.css'
