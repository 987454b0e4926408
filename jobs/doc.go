// Package jobs runs work that must not be lost.
//
// The SQL table jobs is the truth: [Insert] writes a row in the transaction of
// its cause, and nothing else enqueues. A relay offers committed rows to asynq,
// on the Redis that the settings name or on a broker inside the process; the
// broker is a hint to run a row and may be emptied, replaced or restarted at
// any time, because a reconciler offers again whatever is due and has no live
// task.
//
// Invariants
//   - a row runs at least once; a row that is done never runs again
//   - attempts are counted before the work starts, so that a job which kills
//     its process comes to an end too
//   - at most one waiting row exists for a kind and unique key
//   - the payload in the broker carries the row's id; arguments are read from
//     the row
//
// Handlers load fresh, compare, act, and may run twice. A handler that calls
// [Done] in its own transaction makes its effect and the mark one.
package jobs
