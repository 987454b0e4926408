package catalog_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/kinemesh/kinemesh/video/catalog"
)

func TestShortUUID(t *testing.T) {
	for _, c := range []struct{ long, short string }{
		// As PeerTube 6.3 answered.
		{"233c4eb0-fa89-44d4-9a40-8059fcfff470", "5mmTWF2cMhPKMsehsxnYTb"},
		{"c3b47eec-2d62-4cac-86cb-104daedde723", "qaE6eZjhjKMoBWRTpW8WbP"},
		{"00000000-0000-0000-0000-000000000000", "1111111111111111111111"},
		{"00000000-0000-0000-0000-00000000003a", "1111111111111111111121"},
	} {
		if got := catalog.ShortUUID(c.long); got != c.short {
			t.Errorf("ShortUUID(%s) = %s, want %s", c.long, got, c.short)
		}
		if got, ok := catalog.ParseShort(c.short); !ok || got != c.long {
			t.Errorf("ParseShort(%s) = %s %v, want %s", c.short, got, ok, c.long)
		}
	}
	for range 200 {
		u := uuid.NewString()
		if got, ok := catalog.ParseShort(catalog.ShortUUID(u)); !ok || got != u {
			t.Fatalf("%s comes back as %s", u, got)
		}
	}
}

func TestParseRef(t *testing.T) {
	const u = "233c4eb0-fa89-44d4-9a40-8059fcfff470"
	for _, c := range []struct {
		in   string
		want catalog.Ref
		ok   bool
	}{
		{"12", catalog.Ref{ID: 12}, true},
		{u, catalog.Ref{UUID: u}, true},
		{"233C4EB0-FA89-44D4-9A40-8059FCFFF470", catalog.Ref{UUID: u}, true},
		{"5mmTWF2cMhPKMsehsxnYTb", catalog.Ref{UUID: u}, true},
		{"", catalog.Ref{}, false},
		{"0", catalog.Ref{}, false},
		{"-1", catalog.Ref{}, false},
		{"1 OR 1=1", catalog.Ref{}, false},
		{"99999999999999999999", catalog.Ref{}, false},
		{"zzzzzzzzzzzzzzzzzzzzzz0", catalog.Ref{}, false},
		{"ZZZZZZZZZZZZZZZZZZZZZZ", catalog.Ref{}, false}, // above 128 bits
		{"0IOl0IOl0IOl0IOl0IOl0I", catalog.Ref{}, false}, // not in the alphabet
		{"urn:uuid:233c4eb0-fa89-44d4-9a40-805", catalog.Ref{}, false},
		{"xxxxxxxx-fa89-44d4-9a40-8059fcfff470", catalog.Ref{}, false},
	} {
		got, ok := catalog.ParseRef(c.in)
		if got != c.want || ok != c.ok {
			t.Errorf("ParseRef(%q) = %v %v, want %v %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

func FuzzParseRef(f *testing.F) {
	f.Add("5mmTWF2cMhPKMsehsxnYTb")
	f.Add("233c4eb0-fa89-44d4-9a40-8059fcfff470")
	f.Add("17")
	f.Fuzz(func(t *testing.T, s string) {
		r, ok := catalog.ParseRef(s)
		if !ok {
			return
		}
		if (r.ID > 0) == (r.UUID != "") {
			t.Fatalf("%q is both or neither: %v", s, r)
		}
		if r.UUID != "" {
			if again, ok := catalog.ParseRef(catalog.ShortUUID(r.UUID)); !ok || again != r {
				t.Fatalf("%q does not come back: %v", s, again)
			}
		}
	})
}
