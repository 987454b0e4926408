package video

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/form"
	"github.com/kinemesh/kinemesh/web/rest"
)

// SupportArgs gives the videos of a channel its support text.
type SupportArgs struct{ ChannelID int64 }

// Kind implements jobs.Args.
func (SupportArgs) Kind() string { return "video.channel_support" }

// supportStep is how many videos are looked up at once.
const supportStep = 100

func (v *Video) supportChanged(tx *db.Tx, channelID int64) error {
	return jobs.Insert(tx, SupportArgs{channelID}, jobs.Unique(strconv.FormatInt(channelID, 10)))
}

// copySupport changes the videos one by one, as their owner would, so that other
// servers hear of each. What has the text already is passed over, so it may run
// twice.
func (v *Video) copySupport(ctx context.Context, a SupportArgs) error {
	ch, err := v.o.Channels.ChannelByID(ctx, a.ChannelID)
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var text any // null for none
	if ch.Support != "" {
		text = ch.Support
	}
	raw, err := json.Marshal(map[string]any{"support": text})
	if err != nil {
		return fmt.Errorf("support of channel %d: %w", ch.ID, err)
	}
	in, err := form.FromJSON(raw, form.Video)
	if err != nil {
		return err
	}
	for last := int64(0); ; {
		var ids []int64
		err := v.o.DB.Read(ctx).Table("videos").Where("channel_id = ? AND id > ? AND local = ? AND support <> ?", ch.ID, last, true, ch.Support).
			Order("id").Limit(supportStep).Pluck("id", &ids).Error
		if err != nil {
			return fmt.Errorf("videos of channel %d: %w", ch.ID, err)
		}
		for _, id := range ids {
			err := v.Catalog.Update(ctx, owner(ch), catalog.Ref{ID: id}, in, nil)
			if err != nil && !errors.Is(err, catalog.ErrNotFound) {
				return err
			}
		}
		if len(ids) < supportStep {
			return nil
		}
		last = ids[len(ids)-1]
	}
}

// owner is who has a channel.
func owner(ch *channel.Channel) *rest.Principal {
	p := &rest.Principal{AccountID: ch.AccountID, ActorID: ch.Account.ActorID, Role: rest.RoleUser}
	if ch.Account.UserID != nil {
		p.UserID = *ch.Account.UserID
	}
	return p
}
