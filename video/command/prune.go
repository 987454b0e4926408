package command

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/kinemesh/kinemesh/activitypub"
)

func (o Options) prune() activitypub.Command {
	const use = "videos prune"
	var remove, asJSON bool
	return activitypub.Command{
		Use: use, Short: "List, and with --delete remove, stored files that no video needs",
		Long: "List the files in the folders of the storage that nothing in the database names: left by a crash, or by a\n" +
			"backup that was put back. Files younger than an hour are left alone, for they may belong to work that goes on.\n" +
			"Nothing is removed without --delete.",
		Flags: func(fs *flag.FlagSet) {
			fs.BoolVar(&remove, "delete", false, "remove them")
			fs.BoolVar(&asJSON, "json", false, "print JSON")
		},
		Run: func(ctx context.Context, out io.Writer, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("%s takes flags only, not %q", use, args[0])
			}
			keys, err := o.Garbage(ctx)
			if err != nil {
				return err
			}
			r := report{out, asJSON}
			var size int64
			for _, key := range keys {
				if object, err := o.Store.Stat(ctx, key); err == nil {
					size += object.Size
				}
				if remove {
					if err := o.Store.Delete(ctx, key); err != nil {
						return fmt.Errorf("remove %s: %w", key, err)
					}
				}
				if err := r.line("%s", key); err != nil {
					return err
				}
			}
			what := "would be removed with --delete"
			if remove {
				what = "removed"
			}
			return r.end(map[string]any{"files": append([]string{}, keys...), "bytes": size, "deleted": remove}, "%d files, %d bytes %s", len(keys), size, what)
		},
	}
}
