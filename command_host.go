package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rehost"
)

// hostCommand gives a server the public address that its settings have now.
func hostCommand(file *string) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "update-host", Short: "Give the server the public address of the settings", Args: cobra.NoArgs,
		Long: "Write all ids and links of the server anew, after webserver.hostname, port or https was changed. Stop the server first.\n" +
			"Other servers know the old ids: to them this is a new server. Its followers from other servers are removed; whom it and\n" +
			"its users follow there is asked again once the server is started, and stays pending until the other side accepts.\n" +
			"Where the old address can be kept, keep it. Torrents are made anew once the server is started.",
		RunE: func(c *cobra.Command, _ []string) error {
			return runUpdateHost(c.Context(), *file, c.OutOrStdout(), asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print what was changed as JSON")
	return c
}

func runUpdateHost(ctx context.Context, file string, out io.Writer, asJSON bool) (err error) {
	a, err := buildOnly(ctx, file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	to := a.cfg.Origin()
	moved, err := rehost.Move(ctx, a.db, to, func(tx *db.Tx) error {
		var videos []int64
		if err := tx.Model(&catalog.Video{}).Where("local").Order("id").Pluck("id", &videos).Error; err != nil {
			return err
		}
		for _, id := range videos {
			if err := jobs.Insert(tx, catalog.TorrentArgs{VideoID: id}, jobs.Unique(strconv.FormatInt(id, 10))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	var n int64
	for _, x := range moved.Changed {
		n += x
	}
	return tell(out, asJSON, map[string]any{
		"from": moved.From, "to": to, "changed": moved.Changed, "followersRemoved": moved.FollowersGone, "followsAskedAgain": moved.FollowsPending,
	}, fmt.Sprintf("%s is now %s: %d values changed; %d followers from other servers removed, %d follows are asked for again at the next start",
		moved.From, to, n, moved.FollowersGone, moved.FollowsPending))
}
