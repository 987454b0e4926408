package socketio

import (
	"encoding/json"
	"testing"
)

// FuzzPacket: nothing panics, and what is read prints and reads again.
func FuzzPacket(f *testing.F) {
	for _, s := range []string{"0", "0/room,", `0/room,{"token":"a"}`, `2["a",1]`, `2/room,12["a"]`, "1/room,", `4/x,{"message":"no"}`, "/", "0/?a=b,"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePacket(s)
		if err != nil {
			return
		}
		again, err := parsePacket(p.String()[1:])
		if err != nil || again.kind != p.kind || again.namespace != p.namespace {
			t.Fatalf("%q: %+v, again %+v, %v", s, p, again, err)
		}
		if name, _, err := parseEvent(p.data); err == nil && !json.Valid(object("name", name)) {
			t.Fatalf("%q: name %q has no JSON form", s, name)
		}
	})
}
