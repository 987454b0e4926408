package db_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
)

// TestTwoProcesses: a transaction that reads first is not undone by what another
// process writes meanwhile; that one waits.
func TestTwoProcesses(t *testing.T) {
	path := "sqlite:" + filepath.Join(t.TempDir(), "two.db")
	var both [2]*db.DB
	for i := range both {
		d, err := db.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		both[i] = d
	}
	a, b := both[0], both[1]
	add := func(d *db.DB) error {
		return d.Tx(t.Context(), func(tx *db.Tx) error { return tx.Exec("INSERT INTO words VALUES ('b')").Error })
	}
	if err := a.Tx(t.Context(), func(tx *db.Tx) error { return tx.Exec("CREATE TABLE words (w TEXT)").Error }); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	err := a.Tx(t.Context(), func(tx *db.Tx) error {
		var n int64
		if err := tx.Raw("SELECT COUNT(*) FROM words").Scan(&n).Error; err != nil {
			return err
		}
		go func() { written <- add(b) }()
		select {
		case err := <-written:
			t.Errorf("the other process wrote between: %v", err)
			written <- err
		case <-time.After(300 * time.Millisecond):
		}
		return tx.Exec("INSERT INTO words SELECT 'a' WHERE ? = 0", n).Error
	})
	if err != nil {
		t.Error(err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}
