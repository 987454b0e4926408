package user

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/kinemesh/kinemesh/accounts/mail"
	"github.com/kinemesh/kinemesh/accounts/ticket"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// What the links of mails are good for.
const (
	verifyPurpose  = "verify-email"
	pendingPurpose = "verify-pending-email"

	resetPurpose = "reset-password"
)

// verifyPath and resetPath are the pages that links of mails lead to.
const (
	verifyPath = "/verify-account/email"
	resetPath  = "/reset-password"
)

// link is the address of a page with a secret for a user.
func (s *Service) link(path string, userID int64, secret string, more ...string) string {
	q := url.Values{"userId": {strconv.FormatInt(userID, 10)}, "verificationString": {secret}}
	for _, key := range more {
		q.Set(key, "true")
	}
	return s.o.Mail.Link(path) + "?" + q.Encode()
}

func (s *Service) instance() string { return s.o.Config.Current().Instance.Name }

// sendVerification asks who reads the user's address, or the one that was asked
// for instead, to say so. The ticket is for that address alone.
func (s *Service) sendVerification(tx *db.Tx, u *User, pending bool) error {
	purpose, to, more := verifyPurpose, u.Email, []string(nil)
	if pending {
		purpose, to, more = pendingPurpose, *u.PendingEmail, []string{"isPendingEmail"}
	}
	secret, err := ticket.Issue(tx, purpose, u.ID, to, s.o.Config.User.Links.VerifyEmail)
	if err != nil {
		return err
	}
	return s.o.Mail.Send(tx, mail.Letter{
		Subject: "Verify your e-mail address",
		Paragraphs: []string{
			"Hello " + u.Username + ",",
			"please tell " + s.instance() + " that this address is yours. The link is good for " + config.FormatDuration(s.o.Config.User.Links.VerifyEmail) + ".",
		},
		Action: "Verify this address", URL: s.link(verifyPath, u.ID, secret, more...),
	}.Unexpected().Message(to))
}

// sendInvitation lets a user whom an administrator made set a password.
func (s *Service) sendInvitation(tx *db.Tx, u *User) error {
	secret, err := ticket.Issue(tx, resetPurpose, u.ID, "", s.o.Config.User.Links.Invitation)
	if err != nil {
		return err
	}
	return s.o.Mail.Send(tx, mail.Letter{
		Subject: "Your account on " + s.instance(),
		Paragraphs: []string{
			"Hello " + u.Username + ",",
			"an account was made for you on " + s.instance() + ". Your user name is " + u.Username +
				". Set a password to use it; the link is good for " + config.FormatDuration(s.o.Config.User.Links.Invitation) + ".",
		},
		Action: "Set a password", URL: s.link(resetPath, u.ID, secret),
	}.Message(u.Email))
}

// SendVerification sends the mail by which addresses are verified again, when
// email is one that somebody is to verify. It never tells whether it is.
func (s *Service) SendVerification(ctx context.Context, email string) error {
	var users []*User
	err := s.o.DB.Read(ctx).Where("email = ? OR pending_email = ?", email, email).Order("id").Limit(10).Find(&users).Error
	if err != nil {
		return fmt.Errorf("user by address: %w", err)
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		for _, u := range users {
			pending := u.PendingEmail != nil && *u.PendingEmail == email
			if u.Blocked || !pending && u.EmailVerified != nil && *u.EmailVerified {
				continue
			}
			if err := s.sendVerification(tx, u, pending); err != nil {
				return err
			}
		}
		return nil
	})
}

// VerifyEmail notes that a user reads an address: the one in use, or with
// pending the one asked for, which takes its place. The errors are
// ticket.ErrInvalid and [ErrTaken].
func (s *Service) VerifyEmail(ctx context.Context, userID int64, secret string, pending bool) error {
	err := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		purpose, column := verifyPurpose, "email"
		set := map[string]any{"email_verified": true, "updated_at": db.Now()}
		if pending {
			purpose, column = pendingPurpose, "pending_email"
		}
		address, err := ticket.Use(tx, purpose, userID, secret)
		if err != nil {
			return err
		}
		if pending {
			set["email"], set["pending_email"] = address, nil
			if err := ticket.Revoke(tx, resetPurpose, userID); err != nil { // it went to the old address
				return err
			}
		}
		// The address may have been changed since the mail was sent.
		r := tx.Model(&User{}).Where("id = ? AND "+column+" = ?", userID, address).Updates(set)
		if r.Error == nil && r.RowsAffected == 0 {
			return ticket.ErrInvalid
		}
		return r.Error
	})
	if db.IsDuplicate(err) {
		return ErrTaken
	}
	return err
}

// AskReset sends the mail by which a password is set anew, when email is a
// user's. It never tells whether it is.
func (s *Service) AskReset(ctx context.Context, email string) error {
	u, err := s.find(ctx, "email = ?", email)
	if errors.Is(err, db.ErrNotFound) || err == nil && u.Blocked {
		return nil
	}
	if err != nil {
		return err
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		secret, err := ticket.Issue(tx, resetPurpose, u.ID, "", s.o.Config.User.Links.ResetPassword)
		if err != nil {
			return err
		}
		return s.o.Mail.Send(tx, mail.Letter{
			Subject: "Reset your password",
			Paragraphs: []string{
				"Hello " + u.Username + ",",
				"somebody asked for a new password of your account on " + s.instance() + ". The link is good for " + config.FormatDuration(s.o.Config.User.Links.ResetPassword) + ".",
			},
			Action: "Set a new password", URL: s.link(resetPath, u.ID, secret),
		}.Unexpected().Message(u.Email))
	})
}

// ResetPassword sets a password for who has the secret of a mail, and ends all
// sessions. The errors are ticket.ErrInvalid and a *rest.Problem for a password
// that is not acceptable, after which the secret is still good.
func (s *Service) ResetPassword(ctx context.Context, userID int64, secret, password string) error {
	var check rest.Checker
	s.checkPassword(&check, password)
	if err := check.Err(); err != nil {
		return err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		if _, err := ticket.Use(tx, resetPurpose, userID, secret); err != nil {
			return err
		}
		return s.changeTx(tx, userID, map[string]any{"password_hash": hash}, true)
	})
}

// DeleteExpired removes secrets of mails and requests that are over.
func (s *Service) DeleteExpired(ctx context.Context) error {
	return s.o.DB.Tx(ctx, ticket.DeleteExpired)
}

// sendBlock tells a user of a block, or that it was lifted.
func (s *Service) sendBlock(tx *db.Tx, u *User, blocked bool, reason string) error {
	word := "unblocked"
	if blocked {
		word = "blocked"
	}
	text := "your account " + u.Username + " on " + s.instance() + " was " + word + "."
	if reason != "" {
		text += " The reason: " + reason
	}
	return s.o.Mail.Send(tx, mail.Letter{Subject: "Account " + word, Paragraphs: []string{"Hello " + u.Username + ",", text}}.Message(u.Email))
}
