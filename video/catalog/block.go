package catalog

import (
	"fmt"

	"github.com/kinemesh/kinemesh/config/db"
)

// Writing says how the texts of a video came to be written.
type Writing struct {
	By  int64 // the user who did it; 0: another server
	New bool  // others shall see the video for the first time
}

// created is [Service.written] for an upload.
func (s *Service) created(tx *db.Tx, v *Video) error {
	if s.Written == nil {
		return nil
	}
	v, err := Lock(tx, v.ID)
	if err != nil {
		return err
	}
	return s.written(tx, v, Writing{By: v.Owner.UserID, New: true})
}

func (s *Service) written(tx *db.Tx, v *Video, w Writing) error {
	if s.Written == nil {
		return nil
	}
	return s.Written(tx, v, w)
}

// SetBlock keeps a video from everybody but its owner and moderators, or lets it
// be seen again; withheld keeps it from other servers, too. v is what [Lock]
// gave. It leaves the lists and comes back to them, and other servers get a
// Delete and a Create where they have to.
func (s *Service) SetBlock(tx *db.Tx, v *Video, blocked, withheld bool) error {
	was, before := v.Withheld, *v
	v.Blocked, v.Withheld, v.Listed = blocked, withheld, v.Local && !blocked
	if !v.Local {
		listed, err := s.shouldList(tx, v)
		if err != nil {
			return err
		}
		v.Listed = listed
	}
	err := tx.Model(&Video{}).Where("id = ?", v.ID).Select("blocked", "withheld", "listed").UpdateColumns(v).Error
	if err != nil {
		return fmt.Errorf("block video: %w", err)
	}
	if err := s.moved(tx, &before, v); err != nil {
		return err
	}
	switch {
	case was == withheld:
		return nil
	case withheld:
		return s.federate(tx, v, FederateDelete)
	}
	return s.federate(tx, v, FederateCreate)
}
