// Package command holds the subcommands of the binary that look after the files
// of videos. They work on the database and the folders of the settings, beside a
// running server too, which does what has to be done later.
//
// Imported by: video. Imports its siblings audit, catalog, ffmpeg, form, picture,
// storage and upload.
package command

import (
	"context"
	"fmt"
	"io"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/console"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
	"github.com/kinemesh/kinemesh/video/form"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Options are what the subcommands work on.
type Options struct {
	DB       *db.DB
	Catalog  *catalog.Service
	Channels *channel.Service
	Store    *storage.Folders
	Tool     *ffmpeg.Tool
	// Garbage lists the objects that nothing names.
	Garbage func(ctx context.Context) ([]string, error)
	// Import makes a video of a file on this machine.
	Import func(ctx context.Context, p *rest.Principal, file string, in form.Input) (*catalog.Video, error)
	// Changed has the followers told of a video.
	Changed func(tx *db.Tx, videoID int64) error
}

// Commands are the subcommands. Of zero Options they can be listed and explained,
// but not run.
func Commands(o Options) []activitypub.Command {
	return []activitypub.Command{o.prune(), o.regenerateThumbnails(), o.moveStorage(), o.importFile()}
}

// report is what a subcommand did, a line for each thing; with json as one value.
type report struct {
	out  io.Writer
	json bool
}

// line tells of one thing while the work goes on, unless all is told at the end.
func (r report) line(format string, args ...any) error {
	if r.json {
		return nil
	}
	_, err := fmt.Fprintf(r.out, format+"\n", args...)
	return err
}

// end writes v as JSON, or the sentence.
func (r report) end(v any, format string, args ...any) error {
	if !r.json {
		return r.line(format, args...)
	}
	return console.JSON(r.out, v)
}
