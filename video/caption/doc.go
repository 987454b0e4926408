// Package caption keeps the subtitles of videos: uploaded as WebVTT or SubRip by
// the owner, or fetched from a remote video's server when somebody asks for
// them.
//
// Invariants
//   - what is stored and served is WebVTT that this package wrote itself
//     ([Clean]): cues with text, nothing else
//   - a row exists only after its bytes are stored, or names where they are on
//     the other server
//
// Specifications: WebVTT; PT federation 4 (subtitleLanguage); reference REST 17.
// Imports no sibling but catalog and label.
package caption
