package notification

import (
	"context"
	"fmt"
	"slices"

	"github.com/kinemesh/kinemesh/accounts/mail"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/web/rest"
)

// MailArgs sends some notifications by mail.
type MailArgs struct {
	IDs []int64 `json:"ids"`
}

// Kind implements jobs.Args.
func (MailArgs) Kind() string { return "notification.mail" }

// mailStep is how many mails one job writes.
const mailStep = 50

// mailLater has those of the new rows sent by mail whose users want it.
func (s *Service) mailLater(tx *db.Tx, set setting, rows []int64) error {
	if !s.o.Mail.Enabled() {
		return nil
	}
	unverified := !s.o.Config.Current().Signup.RequiresEmailVerification
	var ids []int64
	err := tx.Raw(`SELECT n.id FROM notifications n JOIN users u ON u.id = n.user_id
		LEFT JOIN notification_settings s ON s.user_id = u.id AND s.name = ?
		WHERE n.id IN ? AND (COALESCE(s.value, ?) & ?) <> 0 AND (? OR COALESCE(u.email_verified, ?)) ORDER BY n.id`,
		set.name, rows, set.value, Mail, unverified, true).Scan(&ids).Error
	if err != nil {
		return fmt.Errorf("whom to write: %w", err)
	}
	for part := range slices.Chunk(ids, mailStep) {
		if err := jobs.Insert(tx, MailArgs{part}); err != nil {
			return err
		}
	}
	return nil
}

// reader is a user who is told something.
type reader struct {
	rest.Principal
	Email string
}

// readers loads users by id.
func (s *Service) readers(ctx context.Context, userIDs []int64) (map[int64]*reader, error) {
	var rows []struct {
		UserID, AccountID, ActorID int64
		Username, Email            string
		Role                       rest.Role
	}
	err := s.o.DB.Read(ctx).Raw(`SELECT u.id AS user_id, a.id AS account_id, a.actor_id, u.username, u.email, u.role
		FROM users u JOIN accounts a ON a.user_id = u.id WHERE u.id IN ? AND NOT u.blocked`, userIDs).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("users to tell: %w", err)
	}
	out := make(map[int64]*reader, len(rows))
	for _, r := range rows {
		out[r.UserID] = &reader{
			rest.Principal{UserID: r.UserID, AccountID: r.AccountID, ActorID: r.ActorID, Username: r.Username, Role: r.Role}, r.Email,
		}
	}
	return out, nil
}

// mail writes the mails of some rows. They and the end of the job are one
// transaction, so each is sent once. What is gone meanwhile is not worth a mail.
func (s *Service) mail(ctx context.Context, a MailArgs) error {
	var rows []Row
	if err := s.o.DB.Read(ctx).Where("id IN ?", a.IDs).Order("id").Find(&rows).Error; err != nil {
		return fmt.Errorf("notifications to send: %w", err)
	}
	userIDs := make([]int64, len(rows))
	for i := range rows {
		userIDs[i] = rows[i].UserID
	}
	to, err := s.readers(ctx, userIDs)
	if err != nil {
		return err
	}
	var letters []mail.Message
	for i := range rows {
		r := to[rows[i].UserID]
		if r == nil {
			continue
		}
		said, err := s.Describe(ctx, &r.Principal, rows[i:i+1])
		if err != nil {
			return err
		}
		if text := said[0].Text(); !text.Gone {
			letters = append(letters, s.letter(text).Message(r.Email))
		}
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		for _, m := range letters {
			if err := s.o.Mail.Send(tx, m); err != nil {
				return err
			}
		}
		return jobs.Done(ctx, tx)
	})
}

func (s *Service) letter(t Text) mail.Letter {
	l := mail.Letter{
		Subject: t.Sentence, Paragraphs: []string{t.Sentence + "."},
		Notes: []string{
			"You get this mail because your notifications are set to be sent by mail. Choose what is sent to you: " +
				s.o.Mail.Link("/my-account/notifications#settings"),
		},
	}
	if t.Path != "" {
		l.Action, l.URL = t.Action, s.o.Mail.Link(t.Path)
	}
	return l
}
