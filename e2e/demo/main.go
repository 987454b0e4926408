// Command demo starts two servers on loopback that follow each other, publishes
// a video on the first and prints both watch pages. It ends on Ctrl-C and
// leaves the folder behind, so that the next run goes on with it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

func main() {
	binary := flag.String("binary", "bin/kinemesh", "the built server")
	dir := flag.String("dir", "demo", "folder for both instances")
	video := flag.String("video", "", "the file to publish; a clip is made unless set")
	once := flag.Bool("once", false, "end as soon as both pages are there")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *binary, *dir, *video, *once); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// The ports of the two instances.
const (
	firstPort  = 9010
	secondPort = 9020
)

func run(ctx context.Context, binary, dir, video string, once bool) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if binary, err = filepath.Abs(binary); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	say("starting two instances in %s", dir)
	first, err := instance(ctx, binary, filepath.Join(dir, "first"), firstPort)
	if err != nil {
		return err
	}
	defer stopped(first)
	second, err := instance(ctx, binary, filepath.Join(dir, "second"), secondPort)
	if err != nil {
		return err
	}
	defer stopped(second)
	if err := befriend(ctx, first, second); err != nil {
		return err
	}
	if video == "" {
		say("making a clip of one minute with ffmpeg")
		if video, err = rig.Clip(ctx, dir, 60, 1280, 720); err != nil {
			return err
		}
	}
	published, err := publish(ctx, first, second, video)
	if err != nil {
		return err
	}
	fmt.Printf("\nThe video on the first instance:  %s/w/%s\n", first.Origin, published.ShortUUID)
	fmt.Printf("The same video on the second one: %s/w/%s\n", second.Origin, published.ShortUUID)
	fmt.Printf("Sign in to either as root, password %q. Open both pages and watch them share.\n", rig.Password)
	if once {
		return nil
	}
	fmt.Println("Ctrl-C ends the demo; the folder stays.")
	<-ctx.Done()
	return nil
}

func say(format string, args ...any) { fmt.Printf("==> "+format+"\n", args...) }

func instance(ctx context.Context, binary, dir string, port int) (*rig.Instance, error) {
	return rig.Start(ctx, rig.Options{Binary: binary, Dir: dir, Port: port, Settings: map[string]any{
		"log.level":                    "info",
		"transcoding.resolutions.240p": false,
		"transcoding.resolutions.480p": true,
		"transcoding.threads":          0,
	}})
}

func stopped(i *rig.Instance) {
	if err := i.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
	}
}

// befriend makes the two follow each other.
func befriend(ctx context.Context, first, second *rig.Instance) error {
	for _, pair := range [][2]*rig.Instance{{first, second}, {second, first}} {
		from, to := pair[0], pair[1]
		c, err := from.Root(ctx)
		if err != nil {
			return err
		}
		if ok, err := c.Following(ctx, to.Host); err == nil && ok {
			continue // a demo of before
		}
		say("%s follows %s", from.Host, to.Host)
		if err := c.Follow(ctx, to.Host); err != nil {
			return err
		}
		err = rig.Eventually(ctx, time.Minute, from.Host+" follows "+to.Host, func(ctx context.Context) (bool, error) {
			return c.Following(ctx, to.Host)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// publish uploads to the first instance and waits for the second.
func publish(ctx context.Context, first, second *rig.Instance, file string) (rig.Video, error) {
	c, err := first.Root(ctx)
	if err != nil {
		return rig.Video{}, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return rig.Video{}, err
	}
	say("publishing %s (%.1f MB) on %s", filepath.Base(file), float64(info.Size())/1e6, first.Host)
	v, err := c.Upload(ctx, file, rig.Fields{"name": "Demo: " + filepath.Base(file)})
	if err != nil {
		return v, err
	}
	say("transcoding, then delivering to %s", second.Host)
	if v, err = c.WaitPublished(ctx, v.UUID, time.Hour); err != nil {
		return v, err
	}
	visitor := second.NewClient()
	err = rig.Eventually(ctx, 2*time.Minute, second.Host+" lists the video", func(ctx context.Context) (bool, error) {
		all, err := visitor.Videos(ctx)
		for _, other := range all {
			if other.UUID == v.UUID {
				return true, nil
			}
		}
		return false, err
	})
	return v, err
}
