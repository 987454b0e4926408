package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/console"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/form"
	"github.com/kinemesh/kinemesh/web/rest"
)

// privacies are the names on the command line of those that need nothing else.
var privacies = map[string]catalog.Privacy{
	"public": catalog.Public, "unlisted": catalog.Unlisted, "private": catalog.Private, "internal": catalog.Internal,
}

func (o Options) importFile() activitypub.Command {
	const use = "import-file"
	var channel, name, description, privacy, language, tags string
	var asJSON bool
	return activitypub.Command{
		Use: use, Operands: "FILE --channel NAME", Short: "Publish a video file of this machine in a channel",
		Long: "Publish FILE in a channel of this server, as its owner would by an upload: the same limits, formats and quota\n" +
			"hold. The file is copied and stays where it is. The running server transcodes and publishes it; without one that\n" +
			"happens at the next start.",
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&channel, "channel", "", "name of the channel (needed)")
			fs.StringVar(&name, "name", "", "name of the video; the file's without its ending unless given")
			fs.StringVar(&description, "description", "", "description, Markdown")
			fs.StringVar(&privacy, "privacy", "public", "public, unlisted, internal or private")
			fs.StringVar(&language, "language", "", "language, as en")
			fs.StringVar(&tags, "tags", "", "up to five, with commas between")
			fs.BoolVar(&asJSON, "json", false, "print JSON")
		},
		Run: func(ctx context.Context, out io.Writer, args []string) error {
			if len(args) != 1 || channel == "" {
				return console.Usage(use, "FILE --channel NAME [--name …] [--privacy …]")
			}
			chosen, ok := privacies[privacy]
			if !ok {
				return fmt.Errorf("--privacy %q should be public, unlisted, internal or private", privacy)
			}
			ch, err := o.Channels.ChannelByHandle(ctx, channel)
			if errors.Is(err, db.ErrNotFound) || err == nil && (!ch.Local || ch.Account.UserID == nil) {
				return fmt.Errorf("there is no channel %q of this server", channel)
			}
			if err != nil {
				return err
			}
			if name == "" {
				name = strings.TrimSuffix(filepath.Base(args[0]), filepath.Ext(args[0]))
			}
			in := form.Input{"channelId": {strconv.FormatInt(ch.ID, 10)}, "name": {name}, "privacy": {strconv.Itoa(int(chosen))}}
			for field, value := range map[string]string{"description": description, "language": language} {
				if value != "" {
					in[field] = []string{value}
				}
			}
			if tags != "" {
				for tag := range strings.SplitSeq(tags, ",") {
					in["tags"] = append(in["tags"], strings.TrimSpace(tag))
				}
			}
			owner := &rest.Principal{UserID: *ch.Account.UserID, AccountID: ch.Account.ID, ActorID: ch.Account.ActorID, Role: rest.RoleUser}
			v, err := o.Import(ctx, owner, args[0], in)
			if err != nil {
				return console.Explain(err)
			}
			page := o.Catalog.URLs().Origin + "/w/" + v.ShortUUID()
			return report{out, asJSON}.end(map[string]any{"id": v.ID, "uuid": v.UUID, "shortUUID": v.ShortUUID(), "url": page}, "%s", page)
		},
	}
}
