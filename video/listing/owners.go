package listing

import (
	"context"
	"database/sql"
	"maps"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// ownersFresh is how long lists show a channel and its account as they were:
// a change of a display name is seen that much later. Without this, the four
// joined tables are most of a list on SQLite, which plans each query anew: 0.65
// ms a request, 0.25 with it.
const (
	ownersFresh = 2 * time.Second
	maxOwners   = 10_000
)

// owners remembers the short forms of channels and their accounts for lists.
type owners struct {
	mu   sync.Mutex
	byID map[int64]owner
}

type owner struct {
	account, channel           channel.Summary
	accountActor, channelActor int64
	until                      time.Time
}

// addOwners fills in whose the videos of a list are.
func (s *Service) addOwners(ctx context.Context, pool gorm.ConnPool, rows []catalog.Listed) error {
	now := time.Now()
	missing := s.owners.fill(rows, now)
	if len(missing) == 0 {
		return nil
	}
	found := map[int64]owner{}
	err := s.each(ctx, pool, `SELECT ch.id, ca.username, ca.name, ca.iri, ca.host, ca.id, ac.id, aa.username, aa.name, aa.iri, aa.host, aa.id
 FROM channels ch JOIN accounts ac ON ac.id = ch.account_id
 JOIN actors ca ON ca.id = ch.actor_id JOIN actors aa ON aa.id = ac.actor_id
 WHERE ch.id IN (`+idList(len(missing), func(i int) int64 { return missing[i] })+`)`, nil, func(r *sql.Rows) error {
		o := owner{until: now.Add(ownersFresh)}
		c, a := &o.channel, &o.account
		err := r.Scan(&c.ID, &c.Name, &c.DisplayName, &c.URL, &c.Host, &o.channelActor, &a.ID, &a.Name, &a.DisplayName, &a.URL, &a.Host, &o.accountActor)
		s.complete(c)
		s.complete(a)
		found[c.ID] = o
		return err
	})
	if err != nil {
		return err
	}
	if err := s.addPictures(ctx, found); err != nil {
		return err
	}
	s.owners.add(found)
	for i := range rows {
		if o, ok := found[rows[i].ChannelID]; ok {
			rows[i].Account, rows[i].Channel = o.account, o.channel
		}
	}
	return nil
}

// fill sets what is known and returns the ids of the other channels, each once.
func (o *owners) fill(rows []catalog.Listed, now time.Time) (missing []int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var seen map[int64]bool
	for i := range rows {
		r := &rows[i]
		if known, ok := o.byID[r.ChannelID]; ok && now.Before(known.until) {
			r.Account, r.Channel = known.account, known.channel
			continue
		}
		if !seen[r.ChannelID] {
			if seen == nil {
				seen = map[int64]bool{}
			}
			seen[r.ChannelID] = true
			missing = append(missing, r.ChannelID)
		}
	}
	return missing
}

func (o *owners) add(found map[int64]owner) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.byID == nil || len(o.byID) > maxOwners {
		o.byID = map[int64]owner{}
	}
	maps.Copy(o.byID, found)
}

// complete fills what the rows of local and nameless actors leave out.
func (s *Service) complete(p *channel.Summary) {
	if p.Host == "" {
		p.Host = s.host
	}
	if p.DisplayName == "" {
		p.DisplayName = p.Name
	}
}

// addPictures fills in the avatars of channels and accounts.
func (s *Service) addPictures(ctx context.Context, found map[int64]owner) error {
	ids := make([]int64, 0, 2*len(found))
	for _, o := range found {
		ids = append(ids, o.channelActor, o.accountActor)
	}
	pictures, err := s.channels.PicturesOf(ctx, ids...)
	if err != nil {
		return err
	}
	for id, o := range found {
		o.channel.Avatars = channel.Images(pictures[o.channelActor].Avatar)
		o.account.Avatars = channel.Images(pictures[o.accountActor].Avatar)
		found[id] = o
	}
	return nil
}
