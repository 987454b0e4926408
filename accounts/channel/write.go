package channel

import (
	"context"
	"errors"
	"fmt"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config/db"
)

// NewAccount says what account to create for a user. Key is the actor's, made
// before the transaction.
type NewAccount struct {
	UserID      int64
	Username    string
	DisplayName string
	Key         *actor.Key
}

// NewChannel says what channel to create for an account.
type NewChannel struct {
	Account     *Account // with its Actor
	Name        string
	DisplayName string
	Description string
	Support     string
	Key         *actor.Key
}

// Change is what an update of a channel sets; nil leaves a field alone.
type Change struct {
	DisplayName, Description, Support *string
	// BulkSupport gives a new support text to all videos of the channel, too.
	BulkSupport bool
}

// CreateAccount makes the Person actor and the account of a user. The name must
// have been checked. [ErrNameTaken] when an actor has or had it.
func (s *Service) CreateAccount(tx *db.Tx, n NewAccount) (*Account, error) {
	a, err := s.o.Actors.CreateLocal(tx, actor.NewLocal{
		Type: actor.Person, Username: n.Username, Name: n.DisplayName, Key: n.Key,
	})
	if err != nil {
		return nil, taken(n.Username, err)
	}
	row := &Account{ActorID: a.ID, UserID: &n.UserID, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt}
	if err := tx.Create(row).Error; err != nil {
		return nil, fmt.Errorf("account %s: %w", n.Username, err)
	}
	row.Actor = a
	return row, nil
}

// CreateChannel makes a channel in tx without regard to the number of channels
// that the account has. [ErrNameTaken] when an actor has or had the name.
func (s *Service) CreateChannel(tx *db.Tx, n NewChannel) (*Channel, error) {
	a, err := s.o.Actors.CreateLocal(tx, actor.NewLocal{
		Type: actor.Group, Username: n.Name, Name: n.DisplayName, Summary: n.Description,
		AttributedTo: n.Account.Actor.IRI, Key: n.Key,
	})
	if err != nil {
		return nil, taken(n.Name, err)
	}
	row := &Channel{
		ActorID: a.ID, AccountID: n.Account.ID, Local: true, Support: n.Support,
		CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
	}
	if err := tx.Create(row).Error; err != nil {
		return nil, fmt.Errorf("channel %s: %w", n.Name, err)
	}
	row.Actor, row.Account = a, n.Account
	return row, learn(tx, a.ID, a.Username, a.Name)
}

func taken(name string, err error) error {
	if db.IsDuplicate(err) {
		return fmt.Errorf("%s: %w", name, ErrNameTaken)
	}
	return fmt.Errorf("actor %s: %w", name, err)
}

// Free tells whether no local actor has or had the name. Only the unique index
// decides in the end.
func (s *Service) Free(ctx context.Context, name string) (bool, error) {
	var n int64
	err := s.o.DB.Read(ctx).Table("actors").Where("lower(username) = lower(?) AND username = ? AND host = ''", name, name).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("name %s: %w", name, err)
	}
	return n == 0, nil
}

// NewKey makes a key for an account or a channel; call it before a transaction.
func (s *Service) NewKey() (*actor.Key, error) { return s.o.Actors.NewKey() }

// Create makes a channel for an account that has fewer than are allowed.
func (s *Service) Create(ctx context.Context, n NewChannel) (*Channel, error) {
	if free, err := s.Free(ctx, n.Name); err != nil {
		return nil, err
	} else if !free { // before a key is made for nothing
		return nil, fmt.Errorf("%s: %w", n.Name, ErrNameTaken)
	}
	var err error
	if n.Key, err = s.o.Actors.NewKey(); err != nil {
		return nil, fmt.Errorf("channel %s: %w", n.Name, err)
	}
	var c *Channel
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		// The lock makes two requests at once count one after the other.
		if err := tx.Exec("UPDATE accounts SET updated_at = updated_at WHERE id = ?", n.Account.ID).Error; err != nil {
			return fmt.Errorf("account %d: %w", n.Account.ID, err)
		}
		have, err := ownChannels(tx, n.Account.ID)
		if err != nil {
			return err
		}
		if have >= int64(s.o.MaxPerUser()) {
			return ErrTooMany
		}
		c, err = s.CreateChannel(tx, n)
		return err
	})
	return c, err
}

// ownChannels counts the channels of an account that are not deleted.
func ownChannels(tx *db.Tx, accountID int64) (int64, error) {
	var n int64
	err := tx.Table("channels").Joins("JOIN actors ON actors.id = channels.actor_id").
		Where("channels.account_id = ? AND actors.gone_at IS NULL", accountID).Count(&n).Error
	if err != nil {
		return 0, fmt.Errorf("channels of account %d: %w", accountID, err)
	}
	return n, nil
}

// Update changes a local channel and tells its followers.
func (s *Service) Update(ctx context.Context, c *Channel, ch Change) error {
	if !c.Local {
		return ErrForeign
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		now := db.Now()
		if ch.Support != nil {
			err := tx.Model(&Channel{}).Where("id = ?", c.ID).Updates(map[string]any{"support": *ch.Support, "updated_at": now}).Error
			if err != nil {
				return fmt.Errorf("channel %d: %w", c.ID, err)
			}
			if ch.BulkSupport && *ch.Support != c.Support && s.SupportChanged != nil {
				if err := s.SupportChanged(tx, c.ID); err != nil {
					return err
				}
			}
		}
		return s.UpdateActor(tx, c.ActorID, ch.DisplayName, ch.Description)
	})
}

// UpdateActor sets name and summary of a local actor, nil leaving one alone,
// and tells its followers.
func (s *Service) UpdateActor(tx *db.Tx, actorID int64, name, summary *string) error {
	set := map[string]any{"updated_at": db.Now()}
	if name != nil {
		set["name"] = *name
	}
	if summary != nil {
		set["summary"] = *summary
	}
	if err := tx.Model(&actor.Actor{}).Where("id = ? AND host = ''", actorID).Updates(set).Error; err != nil {
		return fmt.Errorf("actor %d: %w", actorID, err)
	}
	if err := relearn(tx, actorID); err != nil {
		return err
	}
	return s.tell(tx, actorID)
}

// tell sends the document of a local actor as it is now to its followers.
func (s *Service) tell(tx *db.Tx, actorID int64) error {
	var a actor.Actor
	if err := tx.Where("id = ?", actorID).Take(&a).Error; err != nil {
		return fmt.Errorf("actor %d: %w", actorID, err)
	}
	fields, err := s.actorFields(tx.DB, &a)
	if err != nil {
		return err
	}
	return s.o.Changed(tx, &a, fields)
}

// Delete removes a local channel: at once for readers, while its videos and at
// last its row follow in jobs. [ErrLastChannel] for the only one of an account.
func (s *Service) Delete(ctx context.Context, c *Channel) error {
	if !c.Local {
		return ErrForeign
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := tx.Exec("UPDATE accounts SET updated_at = updated_at WHERE id = ?", c.AccountID).Error; err != nil {
			return fmt.Errorf("account %d: %w", c.AccountID, err)
		}
		have, err := ownChannels(tx, c.AccountID)
		if err != nil {
			return err
		}
		if have <= 1 {
			return ErrLastChannel
		}
		if s.Closing != nil {
			if err := s.Closing(tx, c.ID); err != nil {
				return err
			}
		}
		return s.bury(tx, c.ActorID)
	})
}

// DeleteAccount removes a local account with its channels, as [Service.Delete]
// does. The row loses its user.
func (s *Service) DeleteAccount(tx *db.Tx, a *Account) error {
	var actorIDs []int64
	if err := tx.Model(&Channel{}).Where("account_id = ?", a.ID).Order("id").Pluck("actor_id", &actorIDs).Error; err != nil {
		return fmt.Errorf("channels of account %d: %w", a.ID, err)
	}
	if err := tx.Model(&Account{}).Where("id = ?", a.ID).Update("user_id", nil).Error; err != nil {
		return fmt.Errorf("account %d: %w", a.ID, err)
	}
	for _, id := range append(actorIDs, a.ActorID) {
		if err := s.bury(tx, id); err != nil {
			return err
		}
	}
	return nil
}

// bury takes a local actor out of the world, once.
func (s *Service) bury(tx *db.Tx, actorID int64) error {
	var a actor.Actor
	err := tx.Where("id = ? AND host = '' AND gone_at IS NULL", actorID).Take(&a).Error
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("actor %d: %w", actorID, err)
	}
	return s.o.Gone(tx, &a)
}
