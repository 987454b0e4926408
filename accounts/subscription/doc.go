// Package subscription lets users follow channels, ours and those of other
// servers. A subscription is a follow of the user's account, kept by the engine:
// it is asked for, answered and ended like any other (PT federation 5). Videos of
// subscriptions are listed by video/listing.
//
// Imported by: accounts. Imports its sibling channel.
package subscription
