package catalog

import "github.com/kinemesh/kinemesh/config/db"

// moved has [Service.Moved] hear of a change.
func (s *Service) moved(tx *db.Tx, before, v *Video) error {
	if s.Moved == nil {
		return nil
	}
	return s.Moved(tx, before, v)
}

// Open tells whether everybody may see v and find it in lists.
func (v *Video) Open() bool {
	return v.Privacy == Public && !v.Blocked && v.Listed && (v.State == Published || v.State == WaitingForLive || v.State == LiveEnded)
}
