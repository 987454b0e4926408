// Package delivery sends activities to other servers: the outbox that they
// are written to, the receipts of what each inbox answered, and how hosts that
// are slow or away are treated.
package delivery
