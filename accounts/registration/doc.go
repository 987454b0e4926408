// Package registration keeps those who asked for an account where a moderator
// approves each: what they wrote, and what became of it.
//
// Invariants
//   - a registration is pending until it is accepted or rejected, once
//   - names and addresses of pending and rejected ones are taken; of accepted
//     ones the user has them
//   - accepting makes the user in the same transaction, with the password that
//     was chosen; of others only its hash is kept, to tell them at the login how
//     their registration stands
//
// Specifications: PT rest, tag Register.
// Imported by: accounts. Imports no sibling but input, mail, ticket and user.
package registration
