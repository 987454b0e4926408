package followsync_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/followsync"
)

// TestDigest: the example of FEP-8fcf, whatever the order; a follower counted
// twice cancels itself out, so lists without repeats are compared.
func TestDigest(t *testing.T) {
	const none = "0000000000000000000000000000000000000000000000000000000000000000"
	ids := []string{"https://testing.example.org/users/1", "https://testing.example.org/users/2"}
	want := "c33f48cd341ef046a206b8a72ec97af65079f9a3a9b90eef79c5920dce45c61f"
	if got := followsync.Digest(ids); got != want {
		t.Errorf("digest %s", got)
	}
	if got := followsync.Digest([]string{ids[1], ids[0]}); got != want {
		t.Errorf("in another order %s", got)
	}
	if got := followsync.Digest(nil); got != none {
		t.Errorf("of nobody %s", got)
	}
	if got := followsync.Digest([]string{ids[0], ids[0]}); got != none {
		t.Errorf("twice %s", got)
	}
}

func TestParse(t *testing.T) {
	digest := followsync.Digest([]string{"https://b.example/users/1"})
	good := followsync.Header{Collection: "https://a.example/f", URL: "https://a.example/f/sync", Digest: digest}
	for _, c := range []struct {
		name, header string
		ok           bool
	}{
		{"ours", good.String(), true},
		{"another order, without spaces", `digest="` + digest + `",url="https://a.example/f/sync",collectionId="https://a.example/f"`, true},
		{"upper case digest", strings.Replace(good.String(), digest, strings.ToUpper(digest), 1), true},
		{"more than we know", good.String() + `, hint="x"`, true},
		{"empty", "", false},
		{"no digest", `collectionId="https://a.example/f", url="https://a.example/f/sync"`, false},
		{"short digest", strings.Replace(good.String(), digest, digest[:62], 1), false},
		{"digest that is no number", strings.Replace(good.String(), digest, strings.Repeat("x", 64), 1), false},
		{"another's collection", strings.Replace(good.String(), `collectionId="https://a.example/f"`, `collectionId="https://a.example/g"`, 1), false},
		{"part elsewhere", strings.Replace(good.String(), "https://a.example/f/sync", "https://c.example/f/sync", 1), false},
		{"part at no address", strings.Replace(good.String(), "https://a.example/f/sync", "x", 1), false},
		{"url twice", good.String() + `, url="https://a.example/g"`, false},
		{"not quoted", strings.ReplaceAll(good.String(), `"`, ""), false},
		{"very long", good.String() + strings.Repeat(" ", 9000), false},
	} {
		got, err := followsync.Parse(c.header, good.Collection)
		if (err == nil) != c.ok || c.ok && got != good || !c.ok && !errors.Is(err, followsync.ErrHeader) {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
	if _, err := followsync.Parse(good.String(), ""); err == nil {
		t.Error("an actor without followers says something about them")
	}
}

// TestCache: followers are read once for many hosts, and again after a change.
func TestCache(t *testing.T) {
	loads := 0
	c := followsync.Cache{Load: func(_ context.Context, id int64) (map[string][]string, error) {
		loads++
		if id == 3 {
			return nil, errors.New("no database")
		}
		return map[string][]string{"b.example": {"https://b.example/1"}, "c.example": {"https://c.example/1"}}, nil
	}}
	ask := func(id int64, host string, want ...string) {
		t.Helper()
		if got, err := c.On(t.Context(), id, host); err != nil || got != followsync.Digest(want) {
			t.Errorf("%d on %s: %s, %v", id, host, got, err)
		}
	}
	ask(1, "b.example", "https://b.example/1")
	ask(1, "c.example", "https://c.example/1")
	ask(1, "d.example")
	if loads != 1 {
		t.Errorf("read %d times for three hosts", loads)
	}
	ask(2, "b.example", "https://b.example/1")
	c.Forget(1)
	ask(1, "b.example", "https://b.example/1")
	if loads != 3 {
		t.Errorf("read %d times", loads)
	}
	if _, err := c.On(t.Context(), 3, "b.example"); err == nil {
		t.Error("a failure is hidden")
	}
}
