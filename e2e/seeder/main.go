// Command seeder fills a database with an instance of any size. Start the server
// with it once before, and stop it, so that it has its administrator and keys:
//
//	go run ./e2e/seeder -database sqlite:data/kinemesh.db -videos 100000
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/e2e/seed"
	"github.com/kinemesh/kinemesh/migrations"
)

func main() {
	var o seed.Options
	database := flag.String("database", "sqlite:data/kinemesh.db", "where the rows go; it is migrated first")
	flag.StringVar(&o.Origin, "origin", "http://localhost:9000", "the address of the instance")
	flag.IntVar(&o.Videos, "videos", 100_000, "videos")
	flag.IntVar(&o.Channels, "channels", 0, "channels (a hundredth of the videos)")
	flag.IntVar(&o.Comments, "comments", 1_000_000, "comments")
	flag.IntVar(&o.Accounts, "accounts", 0, "accounts that comment and rate (a twentieth of the videos)")
	flag.IntVar(&o.Playlists, "playlists", 0, "playlists (a fiftieth of the videos)")
	flag.IntVar(&o.Remote, "remote", 50, "percent of the channels that are on other servers")
	flag.BoolVar(&o.Bare, "bare", false, "channels and videos alone")
	flag.Parse()
	began := time.Now()
	o.Progress = func(what string, _ int) { fmt.Printf("%8s  %s\n", time.Since(began).Round(time.Second), what) }
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *database, o); err != nil {
		fmt.Fprintln(os.Stderr, "seed:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

func run(ctx context.Context, database string, o seed.Options) error {
	d, err := db.Open(ctx, database)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := migrations.Up(ctx, d, migrations.All()...); err != nil {
		return err
	}
	return seed.Fill(ctx, d, o)
}
