package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/backup"
)

// backupCommands save a server and make one of what was saved.
func backupCommands(file *string) []*cobra.Command {
	var asJSON bool
	save := &cobra.Command{
		Use: "backup FOLDER", Short: "Save database and files into a folder, while the server runs", Args: cobra.ExactArgs(1),
		Long: "Save database and files into a folder that is empty or does not exist. The server may run and work meanwhile.\n" +
			"The folder also holds the secret of data_dir: keep it where nobody else reads it. The settings are not part of it.",
		RunE: func(c *cobra.Command, args []string) error {
			return runBackup(c.Context(), *file, args[0], c.OutOrStdout(), asJSON)
		},
	}
	restore := &cobra.Command{
		Use: "restore FOLDER", Short: "Make a server of what backup has saved", Args: cobra.ExactArgs(1),
		Long: "Make the server that the settings describe of a folder that backup has written: its database must be empty.\n" +
			"Every file is compared with its hash. What was to be sent to other servers is sent once the server is started.",
		RunE: func(c *cobra.Command, args []string) error {
			return runRestore(c.Context(), *file, args[0], c.OutOrStdout(), asJSON)
		},
	}
	for _, c := range []*cobra.Command{save, restore} {
		c.Flags().BoolVar(&asJSON, "json", false, "print what was done as JSON")
	}
	return []*cobra.Command{save, restore}
}

func runBackup(ctx context.Context, file, dir string, out io.Writer, asJSON bool) (err error) {
	a, err := buildOnly(ctx, file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	m, err := backup.Save(ctx, backup.Options{
		DB: a.db, Config: a.cfg, Version: version, Hold: []string{catalog.DeleteFilesArgs{}.Kind()},
	}, dir)
	if err != nil {
		return err
	}
	return tell(out, asJSON, m, fmt.Sprintf("saved %d files with %s and %d tables of %s into %s", m.Files, config.Size(m.Bytes), len(m.Tables), m.Origin, dir))
}

// buildOnly reads the settings and opens the database, which stays as it is: a
// server of another version may be working with it.
func buildOnly(ctx context.Context, file string) (*app, error) {
	cfg, _, err := config.Load(file, os.Environ())
	if err != nil {
		return nil, err
	}
	if err := cfg.Prepare(); err != nil {
		return nil, err
	}
	a := &app{cfg: cfg, log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.LogLevel()}))}
	a.db, err = db.Open(ctx, cfg.DatabaseURL(), db.MaxConns(cfg.Database.Pool.Max))
	return a, err
}

func runRestore(ctx context.Context, file, dir string, out io.Writer, asJSON bool) (err error) {
	cfg, _, err := config.Load(file, os.Environ())
	if err != nil {
		return err
	}
	m, err := backup.Restore(ctx, cfg, dir)
	if err != nil {
		return err
	}
	a, err := build(ctx, file, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	n, err := a.video.Tidy(ctx)
	if err != nil {
		return err
	}
	return tell(out, asJSON, m, fmt.Sprintf("restored %d files with %s and %d tables of %s; %d files that nothing names are removed",
		m.Files, config.Size(m.Bytes), len(m.Tables), m.Origin, n))
}

func tell(out io.Writer, asJSON bool, v any, sentence string) error {
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	_, err := fmt.Fprintln(out, sentence)
	return err
}
