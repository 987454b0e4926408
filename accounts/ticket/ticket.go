// Package ticket keeps what was given to somebody to prove something once: the
// secret in the link of a mail, or the token of a request that is confirmed
// later.
//
// Invariants
//   - a ticket is for one purpose and one subject, such as a user; a new one
//     replaces the one before
//   - it is used at most once, by whoever comes first, and not after its time
//   - the database holds its SHA-256 only (SEC-47)
//
// Imported by: accounts, accounts/user, accounts/registration. Imports no
// sibling but seal.
package ticket

import (
	"errors"
	"fmt"
	"time"

	"github.com/kinemesh/kinemesh/accounts/seal"
	"github.com/kinemesh/kinemesh/config/db"
)

// ErrInvalid says that a ticket is unknown, used up, over, or for something
// else.
var ErrInvalid = errors.New("ticket is invalid")

// maxLength is above the length of any ticket given out.
const maxLength = 128

// row is a row of tickets.
type row struct {
	ID        int64
	Purpose   string
	SubjectID int64
	Hash      string
	Data      string
	ExpiresAt time.Time
	CreatedAt time.Time
}

func (row) TableName() string { return "tickets" }

// Issue makes a ticket that is good for life, and ends the one that the subject
// had for the same purpose. data is what [Use] returns.
func Issue(tx *db.Tx, purpose string, subject int64, data string, life time.Duration) (plain string, err error) {
	plain, hash, err := seal.Token()
	if err != nil {
		return "", err
	}
	now := db.Now()
	if err := Revoke(tx, purpose, subject); err != nil {
		return "", err
	}
	err = tx.Create(&row{
		Purpose: purpose, SubjectID: subject, Hash: hash, Data: data, ExpiresAt: now.Add(life), CreatedAt: now,
	}).Error
	if err != nil {
		return "", fmt.Errorf("ticket %s: %w", purpose, err)
	}
	return plain, nil
}

// Use takes a ticket and returns its data. [ErrInvalid] for all refusals. When
// tx is rolled back the ticket is still there.
func Use(tx *db.Tx, purpose string, subject int64, plain string) (data string, err error) {
	if plain == "" || len(plain) > maxLength {
		return "", ErrInvalid
	}
	var used []row
	err = tx.Raw("DELETE FROM tickets WHERE hash = ? AND purpose = ? AND subject_id = ? AND expires_at > ? RETURNING data",
		seal.Hash(plain), purpose, subject, db.Now()).Scan(&used).Error
	if err != nil {
		return "", fmt.Errorf("ticket %s: %w", purpose, err)
	}
	if len(used) == 0 {
		return "", ErrInvalid
	}
	return used[0].Data, nil
}

// Revoke ends the subject's ticket for a purpose.
func Revoke(tx *db.Tx, purpose string, subject int64) error {
	if err := tx.Where("purpose = ? AND subject_id = ?", purpose, subject).Delete(&row{}).Error; err != nil {
		return fmt.Errorf("ticket %s: %w", purpose, err)
	}
	return nil
}

// DeleteExpired removes tickets that are over.
func DeleteExpired(tx *db.Tx) error {
	if err := tx.Where("expires_at < ?", db.Now()).Delete(&row{}).Error; err != nil {
		return fmt.Errorf("expired tickets: %w", err)
	}
	return nil
}
