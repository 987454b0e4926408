package report

import (
	"context"
	"fmt"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Message is a row of abuse_messages: what moderators and the reporter say to
// each other.
type Message struct {
	ID          int64
	AbuseID     int64
	AccountID   *int64
	ByModerator bool
	Message     string
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// TableName implements gorm's Tabler.
func (Message) TableName() string { return "abuse_messages" }

// conversation lets p into the messages of a report: its reporter and
// moderators may read and write.
func (s *Service) conversation(ctx context.Context, p *rest.Principal, id int64) (*Report, error) {
	r, err := s.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if !p.IsModerator() && (r.ReporterID == nil || *r.ReporterID != p.ActorID) {
		return nil, ErrForbidden
	}
	if !r.Local {
		return nil, ErrElsewhere
	}
	return r, nil
}

// maxMessages bounds the messages of one report.
const maxMessages = 500

// Messages lists what was said about a report, oldest first.
func (s *Service) Messages(ctx context.Context, p *rest.Principal, id int64) ([]Message, error) {
	if _, err := s.conversation(ctx, p, id); err != nil {
		return nil, err
	}
	var out []Message
	if err := s.db.Read(ctx).Where("abuse_id = ?", id).Order("id").Limit(maxMessages).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	return out, nil
}

// Say adds a message of p.
func (s *Service) Say(ctx context.Context, p *rest.Principal, id int64, text string) (*Message, error) {
	r, err := s.conversation(ctx, p, id)
	if err != nil {
		return nil, err
	}
	m := &Message{AbuseID: r.ID, AccountID: &p.AccountID, ByModerator: r.ReporterID == nil || *r.ReporterID != p.ActorID, Message: text}
	m.CreatedAt, m.UpdatedAt = db.Now(), db.Now()
	return m, s.db.Tx(ctx, func(tx *db.Tx) error {
		m.ID = 0
		if err := tx.Create(m).Error; err != nil {
			return fmt.Errorf("add message: %w", err)
		}
		if s.Said == nil {
			return nil
		}
		return s.Said(tx, r, m, p.ActorID)
	})
}

// Unsay deletes a message of p's own.
func (s *Service) Unsay(ctx context.Context, p *rest.Principal, id, message int64) error {
	if _, err := s.conversation(ctx, p, id); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		var rows []Message
		if err := tx.Where("id = ? AND abuse_id = ?", message, id).Find(&rows).Error; err != nil {
			return fmt.Errorf("load message: %w", err)
		}
		if len(rows) == 0 {
			return ErrNotFound
		}
		if rows[0].AccountID == nil || *rows[0].AccountID != p.AccountID {
			return ErrForbidden
		}
		if err := tx.Where("id = ?", message).Delete(&Message{}).Error; err != nil {
			return fmt.Errorf("delete message: %w", err)
		}
		return nil
	})
}
