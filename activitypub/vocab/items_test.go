package vocab_test

import (
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/vocab"
)

// TestItems: mixed lists keep their order, a single value is a list of one,
// and junk is left out.
func TestItems(t *testing.T) {
	o, err := vocab.Parse([]byte(`{"items":["https://a.example/1",{"id":"https://a.example/2","type":"Note"},7,null,"no address",["x"],"https://a.example/3"],
		"one":"https://a.example/4","embedded":{"id":"https://a.example/5"},"none":null,"number":4}`))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string][]string{
		"items": {"https://a.example/1", "https://a.example/2", "https://a.example/3"},
		"one":   {"https://a.example/4"}, "embedded": {"https://a.example/5"}, "none": nil, "number": nil, "absent": nil,
	} {
		got := o.Items(key)
		if len(got) != len(want) {
			t.Errorf("%s: %d items, want %v", key, len(got), want)
			continue
		}
		for i := range want {
			if got[i].ID() != want[i] {
				t.Errorf("%s[%d] = %s, want %s", key, i, got[i].ID(), want[i])
			}
		}
	}
	if got := o.Items("items"); got[0].Type() != "" || got[1].Type() != "Note" {
		t.Errorf("types %q, %q", got[0].Type(), got[1].Type())
	}
}
