package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/openapi"
	"github.com/kinemesh/kinemesh/web/openapi/openapitest"
	"github.com/kinemesh/kinemesh/web/rest"
)

const accessFile = "docs/access.md"

// viewers are those who try every route. The objects are the owner's.
var viewers = []string{"anonymous", "other", "owner", "moderator", "admin"}

// notTried are routes that end the one who calls them, or speak another
// protocol; their own tests tell who may call them.
var notTried = map[string]string{
	"POST /api/v1/users/token":                           "takes credentials, not a token",
	"POST /api/v1/users/revoke-token":                    "ends the token",
	"DELETE /api/v1/users/me":                            "ends the user",
	"POST /api/v1/users/:id/two-factor/request":          "asks for a password each time",
	"POST /api/v1/videos/upload":                         "needs a film",
	"PUT /api/v1/videos/upload-resumable":                "needs an open upload",
	"DELETE /api/v1/videos/upload-resumable":             "needs an open upload",
	"PUT /api/v1/videos/:id/source/replace-resumable":    "needs an open upload",
	"DELETE /api/v1/videos/:id/source/replace-resumable": "needs an open upload",
	"POST /api/v1/users/:id/two-factor/confirm-request":  "needs a request",
	"POST /api/v1/users/:id/reset-password":              "needs a message",
	"POST /api/v1/users/:id/verify-email":                "needs a message",
	"POST /api/v1/users/registrations/:id/verify-email":  "needs a message",
}

// refusedToAll are answers of 400 and more that even those get who may call a
// route, since the test has nothing better to send.
var refusedToAll = map[string]int{
	"POST /api/v1/jobs/:type/:id/cancel":                  http.StatusNotFound,
	"DELETE /api/v1/server/followers/:handle":             http.StatusNotFound,
	"POST /api/v1/server/followers/:handle/accept":        http.StatusNotFound,
	"POST /api/v1/server/followers/:handle/reject":        http.StatusNotFound,
	"DELETE /api/v1/server/following/:hostOrHandle":       http.StatusNotFound,
	"POST /api/v1/server/redundancy/videos":               http.StatusRequestEntityTooLarge,
	"DELETE /api/v1/server/redundancy/videos/:redundancy": http.StatusNotFound,
	"POST /api/v1/users/:id/two-factor/disable":           http.StatusBadRequest, // it is not on
	"POST /api/v1/videos/:id/comments/:comment/approve":   http.StatusBadRequest, // nor held
	"DELETE /api/v1/videos/:id/hls":                       http.StatusBadRequest, // there is none
	"DELETE /api/v1/videos/:id/hls/:file":                 http.StatusBadRequest,
	"DELETE /api/v1/videos/:id/web-videos":                http.StatusBadRequest, // the only files
	"GET /api/v1/videos/:id/source":                       http.StatusNotFound,
	"DELETE /api/v1/videos/:id/source/file":               http.StatusNotFound,
	"POST /api/v1/videos/:id/transcoding":                 http.StatusRequestEntityTooLarge, // of all the names of columns
	"POST /api/v1/videos/:id/captions/generate":           http.StatusBadRequest,            // nothing transcribes here
	"POST /api/v1/videos/upload-resumable":                http.StatusBadRequest,            // without the headers
	"POST /api/v1/videos/:id/source/replace-resumable":    http.StatusBadRequest,
}

// TestSEC43RouteByRole calls every route of the API as everybody, and compares
// with its rule in the table of routes; docs/access.md is what came of it.
// Those to whom an object does not belong get 401, 403 or 404 and change
// nothing (TestSEC44). What is sent besides the described members changes
// nothing either, under whatever name it has in the database (TestSEC45).
func TestSEC43RouteByRole(t *testing.T) {
	c := newCast(t, dbtest.SQLite(t))
	var rows [][]string
	for _, r := range c.Routes() {
		key := r.Method + " " + r.Path
		if !tried(r) {
			continue
		}
		row := []string{key, r.Access.String()}
		for _, who := range viewers {
			row = append(row, fmt.Sprint(c.try(t, r, who)))
		}
		rows = append(rows, row)
	}
	page := accessPage(rows)
	if *update {
		if err := os.WriteFile(accessFile, page, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(accessFile)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(page), string(have)); d != "" {
		t.Errorf("run make gen; %s (-want +got):\n%s", accessFile, d)
	}
}

func tried(r rest.Route) bool {
	return strings.HasPrefix(r.Path, "/api/v1/") && !strings.HasSuffix(r.Path, "/") && notTried[r.Method+" "+r.Path] == ""
}

func accessPage(rows [][]string) []byte {
	var b bytes.Buffer
	b.WriteString("# Who may call what\n\n" +
		"Written by `make gen`: every route of the API with its rule in the table of routes, and the status that each kind of caller gets\n" +
		"who asks for an object of the owner. Of a rule `owner` the operation asks whose the object is.\n\n" +
		"| Route | Rule | " + strings.Join(viewers, " | ") + " |\n|---|---|--:|--:|--:|--:|--:|\n")
	for _, row := range rows {
		fmt.Fprintf(&b, "| `%s` | %s |\n", row[0], strings.Join(row[1:], " | "))
	}
	return b.Bytes()
}

// cast is a server with one of each kind of viewer.
type cast struct {
	*whole
	tokens    map[string]string
	columns   []string // names of all columns, in both spellings
	described map[string]map[string]bool
	marked    map[string]bool // rows that were complained of
	n         int             // of objects that were made
	picture   string
}

func newCast(t *testing.T, d *db.DB) *cast {
	t.Helper()
	s, _ := assembleWhole(t, d, "VIDEO_CHANNELS_MAX_PER_USER=10000", "SIGNUP_ENABLED=true", "SIGNUP_LIMIT=-1", "SIGNUP_REQUIRES_APPROVAL=true",
		"FEDERATION_ALLOW_HTTP=true", "VIDEO_FILE_UPDATE_ENABLED=true")
	c := &cast{whole: s, tokens: map[string]string{}, marked: map[string]bool{}}
	c.tokens["anonymous"], c.tokens["admin"] = "", s.login("root")
	for name, role := range map[string]rest.Role{"other": rest.RoleUser, "owner": rest.RoleUser, "moderator": rest.RoleModerator, "third": rest.RoleUser} {
		c.tokens[name] = s.user(name, role)
	}
	pictures := &scenario{whole: s}
	pictures.files()
	c.picture = pictures.picture
	seen := map[string]bool{}
	for _, row := range c.dump(false) {
		for column := range row.values {
			for _, name := range []string{column, camel(column)} {
				if !seen[name] {
					seen[name] = true
					c.columns = append(c.columns, name)
				}
			}
		}
	}
	slices.Sort(c.columns)
	if len(c.columns) < 200 {
		t.Fatalf("%d names of columns", len(c.columns))
	}
	var doc openapi.Document
	raw, err := os.ReadFile(openAPIFile)
	if err == nil {
		err = yaml.Unmarshal(raw, &doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.described = map[string]map[string]bool{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			names := map[string]bool{}
			if op.RequestBody != nil {
				for _, media := range op.RequestBody.Content {
					properties, _ := media.Schema["properties"].(openapi.Schema)
					for name := range properties {
						names[name] = true
					}
				}
			}
			c.described[strings.ToUpper(method)+" "+path] = names
		}
	}
	return c
}

// camel is a name of a column as JSON would have it.
func camel(column string) string {
	words := strings.Split(column, "_")
	for i, w := range words[1:] {
		if w == "id" || w == "url" {
			words[i+1] = strings.ToUpper(w[:1]) + w[1:]
		} else if w != "" {
			words[i+1] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, "")
}

// marker is what no row may ever hold.
const marker = 424242424

// try calls a route as one of the viewers, for an object of the owner that is
// made for the purpose, and checks the answer against the rule.
func (c *cast) try(t *testing.T, r rest.Route, who string) int {
	t.Helper()
	key := r.Method + " " + r.Path
	path, body := c.request(t, r)
	before := []row(nil)
	stranger := who == "anonymous" || who == "other"
	writes := r.Method != http.MethodGet
	if stranger && writes && r.Access > rest.Anyone {
		before = c.dump(true)
	}
	var a answer
	body = c.withColumns(r, body)
	if form, isForm := body.(map[string]string); isForm {
		a = c.form(r.Method, path, c.tokens[who], form)
	} else {
		a = c.do(r.Method, path, c.tokens[who], body)
	}
	refused := a.Code == http.StatusUnauthorized || a.Code == http.StatusForbidden
	complain := func(format string, args ...any) {
		t.Errorf("%s as %s: %d, %s: %.200s", key, who, a.Code, fmt.Sprintf(format, args...), a.Body)
	}
	level := map[string]rest.Access{"anonymous": rest.Anyone, "other": rest.SignedIn, "owner": rest.Owner, "moderator": rest.Moderator, "admin": rest.Admin}[who]
	switch {
	case a.Code >= 500 && a.Code != http.StatusNotImplemented:
		complain("an error of ours")
	case who == "anonymous" && r.Access > rest.Anyone:
		if a.Code != http.StatusUnauthorized {
			complain("the rule is %s", r.Access)
		}
	case r.Access == rest.Owner && who == "other":
		if a.Code != http.StatusForbidden && a.Code != http.StatusNotFound {
			complain("the object is not theirs")
		}
	case r.Access == rest.Owner && level > rest.Owner: // of those who look after things some may, as the page says
	case level < r.Access && a.Code != http.StatusForbidden:
		complain("the rule is %s", r.Access)
	case level >= r.Access && refused && r.Access > rest.Anyone:
		complain("the rule is %s", r.Access)
	case level >= r.Access && a.Code >= 400 && a.Code != refusedToAll[key] && r.Access > rest.Anyone:
		complain("a good request")
	}
	if before != nil && a.Code >= 400 {
		if d := cmp.Diff(texts(before), texts(c.dump(true))); d != "" {
			complain("refused, but it changed something:\n%s", d)
		}
	}
	if writes && a.Code < 300 {
		for _, row := range c.dump(true) {
			if text := row.String(); strings.Contains(text, fmt.Sprint(marker)) && !c.marked[text] {
				c.marked[text] = true
				complain("it wrote what nobody may set: %.300s", text)
			}
		}
	}
	return a.Code
}

// withColumns adds every name of a column that the operation is not described
// to take.
func (c *cast) withColumns(r rest.Route, body any) any {
	known := c.described[r.Method+" "+openapitest.Template(r.Path)]
	switch b := body.(type) {
	case m:
		out := m{}
		for _, name := range c.columns {
			if !known[name] {
				out[name] = marker
			}
		}
		maps.Copy(out, b)
		return out
	case map[string]string:
		out := map[string]string{}
		for _, name := range c.columns[:min(40, len(c.columns))] { // a form has at most so many parts
			if !known[name] && len(out) < 30 {
				out[name] = fmt.Sprint(marker)
			}
		}
		maps.Copy(out, b)
		return out
	default:
		return body
	}
}

// row is a row of a table.
type row struct {
	table  string
	values map[string]any
}

func (r row) String() string {
	var b strings.Builder
	b.WriteString(r.table)
	for _, k := range slices.Sorted(maps.Keys(r.values)) {
		v := r.values[k]
		if raw, isBytes := v.([]byte); isBytes {
			v = string(raw)
		}
		fmt.Fprintf(&b, " %s=%v", k, v)
	}
	return b.String()
}

func texts(rows []row) (out []string) {
	for _, r := range rows {
		out = append(out, r.String())
	}
	return out
}

// restless are tables that change by themselves: by the mere use of a token,
// or by what the server does in the background.
var restless = []string{"oauth_tokens", "job_slots", "goose"}

// dump reads the newest rows of every table; quiet leaves restless tables out.
// Without it tables without a row give one without values, so that their
// columns are known.
func (c *cast) dump(quiet bool) (all []row) {
	c.t.Helper()
	var tables []string
	read := c.db.Read(context.Background())
	// Without the indexes of full text, which are tables, too.
	err := read.Raw(`SELECT name FROM sqlite_master t WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND NOT EXISTS
		(SELECT 1 FROM sqlite_master v WHERE v.sql LIKE 'CREATE VIRTUAL%' AND (t.name = v.name OR t.name LIKE v.name || '_%')) ORDER BY name`).Scan(&tables).Error
	if err != nil {
		c.t.Fatal(err)
	}
	for _, table := range tables {
		if quiet && slices.ContainsFunc(restless, func(s string) bool { return strings.Contains(table, s) }) {
			continue
		}
		var rows []map[string]any
		if err := read.Raw("SELECT * FROM " + table + " ORDER BY 1 DESC LIMIT 30").Scan(&rows).Error; err != nil {
			c.t.Fatal(err)
		}
		for _, values := range rows {
			all = append(all, row{table, values})
		}
		if !quiet && len(rows) == 0 {
			var names []string
			if err := read.Raw("SELECT name FROM pragma_table_info(?)", table).Scan(&names).Error; err != nil {
				c.t.Fatal(err)
			}
			values := map[string]any{}
			for _, name := range names {
				values[name] = nil
			}
			all = append(all, row{table, values})
		}
	}
	return all
}

// video makes a public video of a user with one file.
func (c *cast) video(who string, change ...func(*catalog.Attributes)) *catalog.Video {
	c.t.Helper()
	ctx := context.Background()
	c.n++
	ch, err := c.accounts.Channels.ChannelByHandle(ctx, who+"_channel")
	if err != nil {
		c.t.Fatal(err)
	}
	n := catalog.NewVideo{ChannelID: ch.ID, Attributes: catalog.NewAttributes(), Duration: 20, AspectRatio: 1.7778, SourceSize: 1000, SourceName: "film.mp4"}
	n.Attributes.Name, n.Attributes.Privacy = fmt.Sprint("Video ", c.n), catalog.Public
	for _, f := range change {
		f(&n.Attributes)
	}
	var v *catalog.Video
	err = c.db.Tx(ctx, func(tx *db.Tx) (err error) {
		if v, err = c.app.video.Catalog.Create(tx, n); err != nil {
			return err
		}
		for i, resolution := range []int{720, 480} {
			f := catalog.File{
				Resolution: resolution, Width: 1280, Height: resolution, FPS: 30, Size: 1000, Extname: ".mp4", HasAudio: true, HasVideo: true,
				Filename: fmt.Sprintf("%s-web-%d.mp4", v.UUID, resolution), Metadata: `{"format":{"duration":20}}`,
				InfoHash: fmt.Sprintf("%040x", c.n*10+i), TorrentFilename: fmt.Sprintf("%s-%d.torrent", v.UUID, resolution),
			}
			if err := c.app.video.Catalog.AddFile(tx, v, &f); err != nil {
				return err
			}
		}
		return tx.Exec("UPDATE videos SET state = 1 WHERE id = ?", v.ID).Error
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return v
}
