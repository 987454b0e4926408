// Package storage keeps the bytes of videos: files, playlists, pictures,
// torrents and unfinished uploads. [Store] is the contract; [FS] keeps it on a
// file system. The conformance suite for both and for what comes later is
// video/storage/storagetest.
//
// Objects have keys like "web-videos/f3a1….mp4": relative, separated by slashes,
// made by the server. What a user typed is never part of a key (SEC-56).
//
// Invariants
//   - an object is there completely or not at all, also after a power cut:
//     bytes go to a temporary name, to the disk, and then under the key
//   - a key that Put or PutFile has acknowledged can be opened
//   - objects are replaced or deleted, never changed in place; who has one open
//     keeps reading the old bytes
//   - no key leads out of the store, and no symbolic link in it is followed
//
// This package imports nothing of the project.
package storage
