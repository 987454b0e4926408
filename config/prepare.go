package config

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	secretFile  = "secret"
	secretBytes = 32
	// folderMode lets a reverse proxy of the same group read media files.
	folderMode = 0o750
)

// Prepare makes the folders and, unless secrets.peertube is set, the secret
// that is kept in data_dir. Several processes may do it at once. It belongs
// before the start of a server; other commands do without.
func (c *Config) Prepare() error {
	s := &c.Storage
	for _, folder := range []*string{
		&c.DataDir, &s.Tmp, &s.TmpPersistent, &s.Avatars, &s.WebVideos, &s.StreamingPlaylists,
		&s.OriginalVideoFiles, &s.Previews, &s.Thumbnails, &s.Torrents, &s.Captions, &s.Storyboards, &s.Redundancy, &s.Cache,
	} {
		abs, err := filepath.Abs(*folder) // tools run in folders of their own
		if err != nil {
			return fmt.Errorf("folder %s: %w", *folder, err)
		}
		*folder = abs
		if err := os.MkdirAll(abs, folderMode); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
	}
	if c.Secrets.PeerTube != "" {
		return nil
	}
	secret, err := keptSecret(filepath.Join(c.DataDir, secretFile))
	if err != nil {
		return err
	}
	c.Secrets.PeerTube = secret
	return nil
}

// keptSecret returns the secret in the file, which it makes when missing. The
// file appears complete or not at all, and whoever comes second takes it.
func keptSecret(path string) (Secret, error) {
	secret, err := readSecret(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	fresh := make([]byte, secretBytes)
	_, _ = rand.Read(fresh) // never fails
	tmp, err := os.CreateTemp(filepath.Dir(path), secretFile+"-*")
	if err != nil {
		return "", fmt.Errorf("keep secret: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.WriteString(hex.EncodeToString(fresh) + "\n")
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return "", fmt.Errorf("keep secret: %w", err)
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("keep secret: %w", err)
	}
	return readSecret(path)
}

func readSecret(path string) (Secret, error) {
	text, err := os.ReadFile(path) //nolint:gosec // data_dir is the operator's
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	secret := strings.TrimSpace(string(text))
	if len(secret) < secretBytes {
		return "", fmt.Errorf("read secret: %s holds fewer than %d characters; "+
			"remove it to have a new one made, which signs everybody out", path, secretBytes)
	}
	return Secret(secret), nil
}
