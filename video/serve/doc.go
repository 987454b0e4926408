// Package serve hands out the bytes of videos: files, HLS pieces, pictures,
// torrents and downloads, with ranges, caching and cross-origin access.
//
// Invariants
//   - a file is served under the one address that the catalog gives out for it;
//     that of a private video has /private/ in it, and the other form is 404
//   - every request for something of a video asks [catalog.Service.CanSee], for
//     the signed-in user or for the one whose token is in the address, as things
//     are at that moment (SEC-54, SEC-55)
//   - types come from a short list of extensions: nothing is ever served as a
//     page, a drawing or an ActivityPub document (SEC-26)
//   - names are looked up in the database, never in a folder (SEC-56)
//
// Specifications: reference REST sections 5, 10, 12 (Static Video Files) and 14;
// RFC 9110 14.
package serve
