package chapter_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/video/chapter"
	"github.com/kinemesh/kinemesh/web/rest"
)

func text(list []chapter.Chapter) string {
	var out []string
	for _, c := range list {
		out = append(out, fmt.Sprint(c.Timecode, " ", c.Title))
	}
	return strings.Join(out, "|")
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, in, want string
		duration       int
	}{
		{"plain", "About\n0:00 Start\n0:10 Middle\n\nBye", "0 Start|10 Middle", 20},
		{"hours", "00:00:00 A\n1:02:03 B", "0 A|3723 B", 4000},
		{"list and brackets", "- (0:00) A\n* [1:30] – B\n• 2:00: C", "0 A|90 B|120 C", 0},
		{"empty lines between", "0:00 A\n\n0:05 B", "0 A|5 B", 0},
		{"ends at other text", "0:00 A\n0:05 B\nmore\n0:09 C", "0 A|5 B", 0},
		{"one is none", "0:00 Start\nnothing more", "", 0},
		{"times that go back", "0:10 A\n0:05 B", "", 0},
		{"the same time", "0:10 A\n0:10 B", "", 0},
		{"behind the end", "0:00 A\n0:20 B", "", 20},
		{"a ratio in a sentence", "It was 3:1 in the end\n4:2 also", "", 0},
		{"no title", "0:00\n0:10", "", 0},
		{"invisible title", "0:00 \u200b\n0:10 \u202e", "", 0},
		{"nothing", "", "", 0},
	} {
		if got := text(chapter.Parse(c.in, c.duration)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	long := chapter.Parse("0:00 "+strings.Repeat("ä", 300)+"\n0:01 b", 0)
	if len([]rune(long[0].Title)) != 100 {
		t.Errorf("title of %d characters", len([]rune(long[0].Title)))
	}
	var many strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&many, "%d:%02d:%02d x\n", i/3600, i/60%60, i%60)
	}
	if n := len(chapter.Parse(many.String(), 0)); n != 500 {
		t.Errorf("%d chapters", n)
	}
}

// TestDocument reads what PeerTube serves and what we serve, and leaves out what
// is no chapter.
func TestDocument(t *testing.T) {
	const recorded = `{"id":"http://localhost:9011/videos/watch/c3b47eec-2d62-4cac-86cb-104daedde723/chapters",
 "hasPart":[{"name":"Start","startOffset":0,"endOffset":10},{"name":"Middle","startOffset":10,"endOffset":20}]}`
	read := func(raw []byte) string {
		o, err := vocab.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		return text(chapter.FromDocument(o))
	}
	if got := read([]byte(recorded)); got != "0 Start|10 Middle" {
		t.Errorf("recorded: %q", got)
	}
	v := &catalog.Video{IRI: "https://tube.example/videos/watch/c3b47eec-2d62-4cac-86cb-104daedde723", Duration: 20}
	ours, err := vocab.Build(vocab.Chapters, chapter.ToDocument(v, []chapter.Chapter{{Timecode: 0, Title: "Start"}, {Timecode: 10, Title: "Middle"}}))
	if err != nil {
		t.Fatal(err)
	}
	var want, got map[string]any
	if err := json.Unmarshal([]byte(recorded), &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(ours, &got); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got["hasPart"]) != fmt.Sprint(want["hasPart"]) {
		t.Errorf("%v, PeerTube has %v", got["hasPart"], want["hasPart"])
	}
	for name, c := range map[string][2]string{
		"order":      {`[{"name":"b","startOffset":5},{"name":"a","startOffset":1}]`, "1 a|5 b"},
		"twice":      {`[{"name":"a","startOffset":5},{"name":"b","startOffset":5}]`, "5 a"},
		"no title":   {`[{"name":"","startOffset":5},{"name":"b","startOffset":6}]`, "6 b"},
		"bad times":  {`[{"name":"a","startOffset":-1},{"name":"b","startOffset":"2"},{"name":"c","startOffset":1.5},{"name":"d","startOffset":9e18}]`, ""},
		"not a list": {`{"name":"a","startOffset":3}`, "3 a"},
		"texts":      {`["a","b"]`, ""},
		"controls":   {`[{"name":"a\u202eb","startOffset":0}]`, "0 ab"},
	} {
		if got := read([]byte(`{"id":"https://far.example/c","hasPart":` + c[0] + `}`)); got != c[1] {
			t.Errorf("%s: %q, want %q", name, got, c[1])
		}
	}
}

func TestAPI(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		w.Routes = chapter.New(d, w.Catalog).Routes
		alice, bob, mod := w.User("alice", rest.RoleUser), w.User("bob", rest.RoleUser), w.User("mod", rest.RoleModerator)
		v := w.Video(alice, "Long", func(n *catalog.NewVideo) { n.Attributes.Description = "0:00 From\n0:03 the text" })
		path := "/api/v1/videos/" + v.UUID + "/chapters"
		get := func() string { return strings.TrimSpace(string(w.Do(nil, "GET", path, nil).Body)) }
		if got := get(); got != `{"chapters":[{"timecode":0,"title":"From"},{"timecode":3,"title":"the text"}]}` {
			t.Errorf("of the description: %s", got)
		}
		type list []map[string]any
		body := func(l list) map[string]any { return map[string]any{"chapters": l} }
		w.TakeJobs()
		if a := w.Do(alice, "PUT", path, body(list{{"timecode": 10, "title": "Middle"}, {"timecode": 0, "title": "Start"}})); a.Status != 204 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		if got := get(); got != `{"chapters":[{"timecode":0,"title":"Start"},{"timecode":10,"title":"Middle"}]}` {
			t.Errorf("set: %s", got)
		}
		if jobs := w.TakeJobs("video.federate"); len(jobs) != 1 {
			t.Errorf("other servers are told by %d jobs", len(jobs))
		}
		if after := w.Reload(v.ID); !after.UpdatedAt.After(v.UpdatedAt) {
			t.Error("the document keeps its date")
		}
		if a := w.Do(mod, "PUT", path, body(list{})); a.Status != 204 {
			t.Errorf("a moderator: %d", a.Status)
		}
		if got := get(); !strings.Contains(got, "the text") {
			t.Errorf("without own chapters: %s", got)
		}

		many := make(list, 501)
		for i := range many {
			many[i] = map[string]any{"timecode": i, "title": "x"}
		}
		for name, b := range map[string]any{
			"no list": map[string]any{}, "null": map[string]any{"chapters": nil}, "text": map[string]any{"chapters": "x"},
			"no title": body(list{{"timecode": 1, "title": ""}}), "long title": body(list{{"timecode": 1, "title": strings.Repeat("x", 101)}}),
			"negative": body(list{{"timecode": -1, "title": "x"}}), "twice": body(list{{"timecode": 1, "title": "x"}, {"timecode": 1, "title": "y"}}),
			"too many": body(many),
		} {
			if a := w.Do(alice, "PUT", path, b); a.Status != 400 {
				t.Errorf("%s: %d %s", name, a.Status, a.Body)
			}
		}
		far := w.SaveRemote(catalogtest.RemoteVideo(w.Remote("carol", "far.example"), "0a11ce00-0000-4000-8000-000000000001"))
		private := w.Video(alice, "Mine", func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Private })
		for _, c := range []struct {
			who    *catalogtest.User
			method string
			id     string
			want   int
		}{
			{nil, "PUT", v.UUID, 401},
			{bob, "PUT", v.UUID, 403},
			{alice, "PUT", far.UUID, 403},
			{mod, "PUT", far.UUID, 403},
			{alice, "PUT", "00000000-0000-4000-8000-000000000000", 404},
			{nil, "GET", private.UUID, 401},
			{bob, "GET", private.UUID, 403},
			{alice, "GET", private.UUID, 200},
			{nil, "GET", "nothing", 404},
		} {
			if a := w.Do(c.who, c.method, "/api/v1/videos/"+c.id+"/chapters", body(list{})); a.Status != c.want {
				t.Errorf("%s %s: %d, want %d", c.method, c.id, a.Status, c.want)
			}
		}
		w.Tx(func(tx *db.Tx) error {
			return chapter.Set(tx, far.ID, []chapter.Chapter{{Timecode: 4, Title: "There"}})
		})
		rows, err := chapter.Of(d.Read(t.Context()), far)
		if err != nil || !slices.Equal(rows, []chapter.Chapter{{VideoID: far.ID, Timecode: 4, Title: "There"}}) {
			t.Errorf("of a remote video: %v, %v", rows, err)
		}
	})
}
