// Package moderation keeps whose content is not shown: accounts and servers that
// a user has muted, and accounts that the instance has muted for everybody.
// Which servers the instance speaks with is kept by activitypub/hostrule.
//
// Nothing is destroyed by a mute, and what is muted can still be opened by its
// address. It is left out of lists: of videos, comments and notifications, which
// ask [Service.Hidden] and [Unmuted].
//
// A mute by a user counts at once. One by the instance counts at once in the
// process that makes it, in others within [lag].
//
// Imports accounts/channel, accounts/input, activitypub.
package moderation
