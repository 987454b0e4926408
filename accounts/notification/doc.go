// Package notification tells users what happened: in a list, by push, and by
// mail, each as they want it.
//
// A feature that has news calls [Service.Notify] in the transaction that makes
// them. A job finds who is to hear of it, in steps of bounded size however many
// they are, and writes one row a user and event. What a row is about is stored as
// an id alone and looked up by a [Source] whenever somebody reads it, so that
// nobody is shown what was hidden or deleted since.
//
// Invariants
//   - a user hears of an event once; a step and what follows from it is one
//     transaction
//   - nobody hears of what they did themselves, or of whom they muted
//   - users read and change their own rows alone (SEC-44)
//
// Specifications: reference REST 12 My Notifications, enumerations Notifications.
// The sources of videos, comments and reports are in video/notify.
package notification
