// Package picture holds the avatars and banners of actors: of users, channels
// and the instance as they were uploaded, of other servers' actors as they say
// in icon and image.
//
// Invariants
//   - an actor has at most one picture of a kind, in several sizes
//   - no byte of an upload or of another server is handed out: files are made
//     anew from the pixels (SEC-41), under names that are ours (SEC-56)
//   - a file never changes under its name
//   - pictures of other servers are fetched when somebody first looks at them
//
// Specifications: PT federation 1; AS2 icon, image.
package picture
