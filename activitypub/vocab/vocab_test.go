package vocab

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func parse(t testing.TB, s string) Object {
	t.Helper()
	o, err := Parse([]byte(s))
	if err != nil {
		t.Fatalf("Parse(%.80s): %v", s, err)
	}
	return o
}

func readDoc(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile("../testdata/docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// wireBodies are the activities that real servers sent.
func wireBodies(t testing.TB) map[string][]byte {
	t.Helper()
	raw, err := os.ReadFile("../testdata/signed-requests.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct{ Name, Body string }
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, x := range list {
		if x.Body != "" {
			out[x.Name] = []byte(x.Body)
		}
	}
	return out
}

// TestQuirks: one meaning, whatever the shape.
func TestQuirks(t *testing.T) {
	const a, b = "https://a.example/1", "https://a.example/2"
	for _, c := range []struct {
		name, value string
		iris        []string
	}{
		{"string", `"` + a + `"`, []string{a}},
		{"list", `["` + a + `","` + b + `"]`, []string{a, b}},
		{"object", `{"id":"` + a + `","type":"Person"}`, []string{a}},
		{"link", `{"type":"Link","href":"` + a + `"}`, []string{a}},
		{"mixed list", `["` + a + `",{"id":"` + b + `"},{"type":"Link","href":"` + a + `"}]`, []string{a, b, a}},
		{"null", `null`, nil},
		{"empty list", `[]`, nil},
		{"number", `5`, nil},
		{"junk string", `"not an identifier"`, nil},
		{"junk among good", `["javascript:x","` + a + `",5,null,{"id":7},[]]`, []string{a}},
		{"userinfo", `"https://victim@evil.example/"`, nil},
		{"object without id", `{"type":"Person"}`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := parse(t, `{"x":`+c.value+`}`)
			if got := o.IRIs("x"); !reflect.DeepEqual(got, c.iris) {
				t.Errorf("IRIs = %q, want %q", got, c.iris)
			}
			want := ""
			if len(c.iris) > 0 {
				want = c.iris[0]
			}
			if got := o.IRI("x"); got != want {
				t.Errorf("IRI = %q, want %q", got, want)
			}
		})
	}
}

func TestValues(t *testing.T) {
	o := parse(t, `{"id":"https://a.example/o","type":["Video","pt:Thing"],"s":["","b",5],"n":42,"big":1e300,"f":1.5,"neg":-7,
		"t":true,"no":false,"null":null,"time":"2026-11-23T20:35:02.127Z","zone":"2026-11-23T21:35:02+01:00","bad":"yesterday",
		"old":"0001-01-01T00:00:00Z","in":{"id":"https://a.example/in"},"list":[{"a":1},{"a":2},"x"],"strnum":"42"}`)
	checks := []struct {
		name      string
		got, want any
	}{
		{"id", o.ID(), "https://a.example/o"},
		{"type", o.Type(), "Video"},
		{"is first", o.Is("Video"), true},
		{"is second", o.Is("pt:Thing"), true},
		{"is other", o.Is("Note"), false},
		{"strings", o.Strings("s"), []string{"", "b"}},
		{"first string", o.String("s"), ""},
		{"no string", o.String("n"), ""},
		{"has", o.Has("t"), true},
		{"has null", o.Has("null"), false},
		{"has none", o.Has("nothing"), false},
		{"time", first(o.Time("time")), time.Date(2026, 11, 23, 20, 35, 2, 127e6, time.UTC)},
		{"zone", first(o.Time("zone")), time.Date(2026, 11, 23, 20, 35, 2, 0, time.UTC)},
		{"bad time", second(o.Time("bad")), false},
		{"year 1", second(o.Time("old")), false},
		{"int", first(o.Int("n")), int64(42)},
		{"negative", first(o.Int("neg")), int64(-7)},
		{"fraction", second(o.Int("f")), false},
		{"huge", second(o.Int("big")), false},
		{"number in a string", second(o.Int("strnum")), false},
		{"float", first(o.Float("f")), 1.5},
		{"true", first(o.Bool("t")), true},
		{"false", second(o.Bool("no")), true},
		{"no bool", second(o.Bool("n")), false},
		{"null bool", second(o.Bool("null")), false},
		{"objects", len(o.Objects("list")), 2},
	}
	for _, c := range checks {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s = %v, want %v", c.name, c.got, c.want)
		}
	}
	if in, ok := o.Object("in"); !ok || in.ID() != "https://a.example/in" {
		t.Errorf("embedded object %v %v", in.ID(), ok)
	}
	if _, ok := o.Object("s"); ok {
		t.Error("a list of strings is no object")
	}
	var zero Object
	if !zero.IsZero() || zero.ID() != "" || zero.Type() != "" || zero.To() != nil || zero.Has("x") {
		t.Error("the zero Object is not empty")
	}
	var wire struct {
		N int `json:"n"`
	}
	if err := o.Decode(&wire); err != nil || wire.N != 42 {
		t.Errorf("Decode: %v %+v", err, wire)
	}
	var wrong struct {
		N string `json:"n"`
	}
	if err := o.Decode(&wrong); !errors.Is(err, ErrInvalid) {
		t.Errorf("Decode into the wrong type: %v", err)
	}
}

func first[A any](a A, _ bool) A     { return a }
func second[A any](_ A, b bool) bool { return b }

func TestAudience(t *testing.T) {
	o := parse(t, `{"to":["as:Public","https://a.example/followers"],"cc":"Public"}`)
	if diff := cmp.Diff([]string{Public, "https://a.example/followers"}, o.To()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{Public}, o.Cc()); diff != "" {
		t.Error(diff)
	}
	if !o.IsPublic() || parse(t, `{"cc":"Public"}`).IsPublic() {
		t.Error("IsPublic looks at to alone")
	}
	many := parse(t, `{"to":["`+strings.Repeat(`https://a.example/x","`, 250)+`https://a.example/x"]}`)
	if n := len(many.To()); n != maxAddressees { // SEC-36
		t.Errorf("%d addressees", n)
	}
}

func TestParseActivity(t *testing.T) {
	good := map[string]string{
		"id": `"https://a.example/1"`, "type": `"Like"`, "actor": `"https://a.example/u"`, "object": `"https://b.example/o"`,
	}
	build := func(change map[string]string) string {
		var parts []string
		for _, k := range []string{"id", "type", "actor", "object", "extra"} {
			v := good[k]
			if c, ok := change[k]; ok {
				v = c
			}
			if v != "" {
				parts = append(parts, strings.TrimPrefix(`"`+k+`":`+v, `"extra":`))
			}
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	for _, c := range []struct {
		name   string
		change map[string]string
		ok     bool
	}{
		{"intact", nil, true},
		{"embedded actor", map[string]string{"actor": `{"type":"Person","id":"https://a.example/u"}`}, true},
		{"actor in a list of one", map[string]string{"actor": `["https://a.example/u"]`}, true},
		{"id with a fragment", map[string]string{"id": `"https://a.example/u#likes/1"`}, true},
		{"no object", map[string]string{"object": ""}, true},
		{"types", map[string]string{"type": `["Like","x:Special"]`}, true},
		{"no id", map[string]string{"id": ""}, false},
		{"null id", map[string]string{"id": "null"}, false},
		{"id is no URL", map[string]string{"id": `"urn:x"`}, false},
		{"id is a list", map[string]string{"id": `["https://a.example/1"]`}, false},
		{"no type", map[string]string{"type": ""}, false},
		{"type is a number", map[string]string{"type": "5"}, false},
		{"endless type", map[string]string{"type": `"` + strings.Repeat("x", 65) + `"`}, false},
		{"no actor", map[string]string{"actor": ""}, false},
		{"two actors", map[string]string{"actor": `["https://a.example/u","https://b.example/victim"]`}, false},
		{"actor is no URL", map[string]string{"actor": `"bob"`}, false},
		{"two ids", map[string]string{"extra": `"id":"https://b.example/2"`}, false},
		{"two actor keys", map[string]string{"extra": `"actor":"https://b.example/victim"`}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := ParseActivity([]byte(build(c.change)))
			if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrInvalid) {
				t.Fatalf("%s: %v, want ok %v", build(c.change), err, c.ok)
			}
			if c.ok && (e.Actor != "https://a.example/u" || e.Type != "Like" || !e.OnHost()) {
				t.Errorf("envelope %+v", e)
			}
		})
	}
	// Another spelling of the key must not change the actor (SECURITY-bar M).
	e, err := ParseActivity([]byte(`{"id":"https://a.example/1","type":"Like","actor":"https://a.example/u","ACTOR":"https://b.example/victim"}`))
	if err != nil || e.Actor != "https://a.example/u" {
		t.Errorf("%v %v", e.Actor, err)
	}
	e, _ = ParseActivity([]byte(`{"id":"https://a.example/1","type":"Like","actor":"https://b.example/u"}`))
	if e.OnHost() {
		t.Error("id and actor on two hosts")
	}
}

// TestRecordedActivities: every body that a real server sent is read, and
// go-fed sees the same ids in those that it knows.
func TestRecordedActivities(t *testing.T) {
	known := 0
	for name, body := range wireBodies(t) {
		e, err := ParseActivity(body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		// PeerTube names the Delete of a comment after the comment.
		if !e.OnHost() && name != "peertube-6.3/Delete-by-account-of-comment" || e.Object.IsZero() {
			t.Errorf("%s: id %s, actor %s, object %s", name, e.ID, e.Actor, e.ObjectID())
		}
		typed, ok := Typed(t.Context(), e.Doc)
		if !ok {
			continue
		}
		known++
		if got := typed.GetJSONLDId().Get().String(); got != e.ID {
			t.Errorf("%s: go-fed reads id %s, we %s", name, got, e.ID)
		}
		if typed.GetTypeName() != e.Type {
			t.Errorf("%s: go-fed reads type %s, we %s", name, typed.GetTypeName(), e.Type)
		}
	}
	if known < 40 {
		t.Errorf("go-fed reads only %d of the recorded activities", known)
	}
}

func TestTypedWithoutContext(t *testing.T) {
	o := parse(t, `{"id":"https://a.example/1","type":"Follow","actor":"https://a.example/u","object":"https://b.example/o"}`)
	typed, ok := Typed(t.Context(), o)
	if !ok || typed.GetTypeName() != "Follow" {
		t.Fatalf("bare Follow: %v", ok)
	}
	raw, err := Serialize(Base, typed)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseActivity(raw)
	if err != nil || again.ID != "https://a.example/1" || again.ObjectID() != "https://b.example/o" {
		t.Errorf("%s: %v", raw, err)
	}
	if _, ok := Typed(t.Context(), parse(t, `{"type":"ApproveReply"}`)); ok {
		t.Error("go-fed knows no ApproveReply")
	}
}

// TestContexts compares our contexts with those of recorded documents.
func TestContexts(t *testing.T) {
	recorded := map[Kind][]byte{
		Base: readDoc(t, "announce.json"), Actor: readDoc(t, "actor-channel.json"), Video: readDoc(t, "video.json"),
		Comment: readDoc(t, "comment-reply.json"), Playlist: readDoc(t, "playlist.json"), Chapters: readDoc(t, "video-chapters.json"),
	}
	bodies := wireBodies(t)
	for kind, name := range map[Kind]string{
		CacheFile: "Create-CacheFile-by-instance-hls", WatchAction: "Create-WatchAction-by-instance", View: "View-by-instance-of-video-view",
		Flag: "Flag-by-account-of-account", ApproveReply: "ApproveReply-by-account-of-comment-to-actor-inbox",
	} {
		recorded[kind] = bodies["peertube-6.3/"+name]
	}
	for kind := range Kind(len(contexts)) {
		var theirs, ours map[string]any
		if err := json.Unmarshal(recorded[kind], &theirs); err != nil {
			t.Fatalf("kind %d: %v", kind, err)
		}
		raw, err := Build(kind, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &ours); err != nil {
			t.Fatalf("kind %d: %s: %v", kind, raw, err)
		}
		list, prefix := ours["@context"].([]any), theirs["@context"].([]any)
		if len(list) > len(prefix) {
			list = list[:len(prefix)] // what is added comes after
		}
		if diff := cmp.Diff(prefix, list); diff != "" {
			t.Errorf("context of kind %d (-recorded +ours):\n%s", kind, diff)
		}
	}
}

func TestBuild(t *testing.T) {
	raw, err := Build(Base, map[string]any{"type": "Note", "content": "a < b & c"})
	if err != nil {
		t.Fatal(err)
	}
	if s := string(raw); !strings.HasPrefix(s, `{"@context":["https://www.w3.org/ns/activitystreams"`) || !strings.HasSuffix(s, `,"content":"a < b & c","type":"Note"}`) {
		t.Errorf("built %s", s)
	}
	for _, bad := range []any{nil, "x", []int{1}, func() {}} {
		if _, err := Build(Base, bad); err == nil {
			t.Errorf("Build of %T succeeded", bad)
		}
	}
	if got := Time(time.Date(2026, 11, 23, 21, 35, 2, 127_999_000, time.FixedZone("", 3600))); got != "2026-11-23T20:35:02.127Z" {
		t.Errorf("Time = %s", got)
	}
	if s := Stub("https://a.example/x", "Video"); s.ID() != "https://a.example/x" || !s.Is("Video") {
		t.Errorf("Stub = %s", s.Raw())
	}
}

// FuzzActivity: no panic; what is read has one actor and an id, and reads the
// same after printing it.
func FuzzActivity(f *testing.F) {
	for _, b := range wireBodies(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := ParseActivity(raw)
		if err != nil {
			return
		}
		if e.ID == "" || e.Actor == "" || e.Type == "" {
			t.Fatalf("incomplete envelope %+v", e)
		}
		walk(e.Doc, 0)
		again, err := ParseActivity(e.Doc.Raw())
		if err != nil || again.ID != e.ID || again.Actor != e.Actor || again.ObjectID() != e.ObjectID() {
			t.Fatalf("read %+v, then %+v, %v", e, again, err)
		}
	})
}

// FuzzTyped: go-fed does not panic on what we let through to it. It runs by
// itself because its code makes the fuzzer slow.
func FuzzTyped(f *testing.F) {
	for _, b := range wireBodies(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if e, err := ParseActivity(raw); err == nil {
			Typed(t.Context(), e.Doc)
		}
	})
}

// FuzzActor reads actors and collections in every way there is.
func FuzzActor(f *testing.F) {
	files, err := filepath.Glob("../testdata/docs/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		f.Add(readDoc(f, filepath.Base(name)))
	}
	f.Fuzz(func(_ *testing.T, raw []byte) {
		if o, err := Parse(raw); err == nil {
			walk(o, 0)
		}
	})
}

// walk calls every accessor on every field.
func walk(o Object, depth int) {
	o.ID()
	o.To()
	o.Cc()
	for k := range o.fields {
		o.String(k)
		o.IRIs(k)
		o.Int(k)
		o.Float(k)
		o.Bool(k)
		o.Time(k)
		for _, in := range o.Objects(k) {
			if depth < 40 {
				walk(in, depth+1)
			}
		}
	}
}

func TestDefineProof(t *testing.T) {
	for kind := range Kind(len(contexts)) {
		raw, err := Build(kind, map[string]any{"type": "Note", "content": "]}"})
		if err != nil {
			t.Fatal(err)
		}
		with := DefineProof(raw)
		var was, is map[string]any
		if json.Unmarshal(raw, &was) != nil || json.Unmarshal(with, &is) != nil {
			t.Fatalf("kind %d: %s", kind, with)
		}
		before, after := was["@context"].([]any), is["@context"].([]any)
		if len(after) != len(before)+1 || !reflect.DeepEqual(after[:len(before)], before) || after[len(before)].(map[string]any)["proof"] == nil {
			t.Errorf("kind %d: context %v", kind, after)
		}
		delete(was, "@context")
		delete(is, "@context")
		if !reflect.DeepEqual(was, is) {
			t.Errorf("kind %d: %v became %v", kind, was, is)
		}
	}
	for _, other := range []string{`{}`, `{"type":"Note"}`, `{"@context":"https://www.w3.org/ns/activitystreams","type":"Note"}`, `{"@context":[`, ``} {
		if got := DefineProof([]byte(other)); string(got) != other {
			t.Errorf("%s became %s", other, got)
		}
	}
}
