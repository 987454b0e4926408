// Package user keeps the people who may log in: names, addresses, passwords,
// roles, quotas and preferences. What the world sees of them is an account,
// which package channel keeps.
//
// Invariants
//   - a user is created with account and first channel in one transaction
//   - passwords are kept as argon2id; checking one takes as long for a name
//     that does not exist (SEC-46)
//   - whatever changes what a user may do (password, role, block) ends all
//     sessions of that user in the same transaction (SEC-47)
//   - role, quotas and flags are set by administrators and moderators only,
//     never by what a user sends about itself (SEC-45)
//
// Imported by: accounts/oauth, video. Imports no sibling but channel and input.
package user
