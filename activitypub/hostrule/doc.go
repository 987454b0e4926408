// Package hostrule decides with which servers this one speaks, and whose
// content it shows (SEC-19).
//
// A rule names a host and covers it in every spelling, on every port, with all
// hosts below it; the rule of the longest name counts. A rule that names a port
// covers that port alone. What no rule covers is decided by the mode: open
// lets it in, limited lets it in and shows it to followers only, allowlist
// blocks it.
//
// Nothing is destroyed by a block. Rows stay, and are left out where they are
// read: of fan-outs, of lists ([Shown]), at addresses ([Rules.Shows]). So taking
// a rule back restores everything but what was not received meanwhile.
//
// Rules are held in memory. A change is seen at once by the process that makes
// it, by others within [Lag].
//
// Imports activitypub/iri, config/db, web/rest. Imported by activitypub and by
// modules that list remote content.
package hostrule
