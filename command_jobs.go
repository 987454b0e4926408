package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kinemesh/kinemesh/activitypub/console"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// jobsCommand lists jobs and has dead ones run again, beside the running server.
func jobsCommand(file *string) *cobra.Command {
	parent := &cobra.Command{Use: "jobs", Short: "Look at jobs and run failed ones again"}
	var f jobs.Filter
	var l console.Listing
	list := &cobra.Command{
		Use: "list", Args: cobra.NoArgs, Short: "List jobs, the newest first",
		Long: "List jobs, the newest first: those that are done, too, as long as they are kept. Failed are those that were\n" +
			"given up after their last attempt; `kinemesh jobs retry` runs them again.",
		RunE: func(c *cobra.Command, _ []string) error {
			return withJobs(c.Context(), *file, func(ctx context.Context, d *db.DB, handlers []jobs.Handler) error {
				return listJobs(ctx, c.OutOrStdout(), d, handlers, f, l)
			})
		},
	}
	flags := flag.NewFlagSet("list", flag.ContinueOnError)
	flags.StringVar(&f.State, "state", "", "only "+strings.Join(jobStates(), ", "))
	flags.StringVar(&f.Type, "type", "", "only jobs of this type, as video-transcoding")
	l.Flags(flags)
	list.Flags().AddGoFlagSet(flags)

	var all, asJSON bool
	retry := &cobra.Command{
		Use: "retry [ID...]", Short: "Run jobs again that failed",
		Long: "Run jobs again that were given up, with all attempts before them: those with the numbers ID..., or all.\n" +
			"The running server does the work; this command returns at once.",
		RunE: func(c *cobra.Command, args []string) error {
			return withJobs(c.Context(), *file, func(ctx context.Context, d *db.DB, _ []jobs.Handler) error {
				return retryJobs(ctx, c.OutOrStdout(), d, args, all, asJSON)
			})
		},
	}
	retry.Flags().BoolVar(&all, "all", false, "all that failed")
	retry.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	parent.AddCommand(list, retry)
	return parent
}

// jobStates are the states of PeerTube that jobs in the database can have.
func jobStates() []string { return []string{"failed", "waiting", "delayed", "active", "completed"} }

// withJobs runs a command on the jobs of the settings' database.
func withJobs(ctx context.Context, file string, do func(context.Context, *db.DB, []jobs.Handler) error) (err error) {
	a, err := build(ctx, file, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	return do(ctx, a.db, a.engine.Jobs())
}

func listJobs(ctx context.Context, out io.Writer, d *db.DB, handlers []jobs.Handler, f jobs.Filter, l console.Listing) error {
	if f.State != "" && !slices.Contains(jobStates(), f.State) {
		return fmt.Errorf("--state should be one of %s", strings.Join(jobStates(), ", "))
	}
	if err := l.Check(); err != nil {
		return err
	}
	rows, total, err := jobs.List(ctx, d, handlers, f, l.Start, l.Limit)
	if err != nil {
		return err
	}
	return console.Show(out, l, total, rows, "ID\tSTATE\tTYPE\tTRIES\tCREATED\tFINISHED\tDATA\tERROR", func(j jobs.Info) []any {
		finished, failure := "", ""
		if j.FinishedOn != nil {
			finished = j.FinishedOn.UTC().Format(secondsUTC)
		}
		if j.Error != nil {
			failure = shorten(j.Error.Message)
		}
		return []any{j.ID, j.State, j.Type, j.Attempts, j.CreatedAt.Format(secondsUTC), finished, shorten(string(j.Data)), failure}
	})
}

// secondsUTC is how tables show times.
const secondsUTC = "2006-01-02T15:04:05Z"

// shorten cuts what would make a table too wide.
func shorten(s string) string {
	const most = 120
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

func retryJobs(ctx context.Context, out io.Writer, d *db.DB, args []string, all, asJSON bool) error {
	if all == (len(args) > 0) {
		return errors.New("say what to run again: numbers of `kinemesh jobs list --state failed`, or --all")
	}
	var ids []int64
	for _, s := range args {
		id, err := strconv.ParseInt(s, 10, 64)
		if err != nil || id < 1 {
			return console.Usage("jobs retry", "[ID...], with numbers of `kinemesh jobs list --state failed`")
		}
		ids = append(ids, id)
	}
	n, err := jobs.Retry(ctx, d, ids...)
	if err != nil {
		return err
	}
	if asJSON {
		return console.JSON(out, map[string]int{"retried": n})
	}
	_, err = fmt.Fprintf(out, "%d jobs run again\n", n)
	return err
}
