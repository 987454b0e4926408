package upload_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/upload"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestRefusedChunks: each refusal leaves the session as it was.
func TestRefusedChunks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		_, bob := e.User("bob", rest.RoleUser)
		file := sized(t, 200_000)
		id := e.mustOpen(e.meta("Refused"), len(file))
		e.chunk(id, file, 0, 50_000)
		h := accountstest.Header
		for _, c := range []struct {
			name, id, span string
			body           []byte
			opts           []accountstest.Option
			status         int
			says           string
		}{
			{"a gap", id, "bytes 60000-69999/200000", file[60_000:70_000], nil, 409, "byte 50000"},
			{"an overlap", id, "bytes 40000-69999/200000", file[40_000:70_000], nil, 409, "byte 50000"},
			{"from the start", id, "bytes 0-49999/200000", file[:50_000], nil, 409, ""},
			{"another total", id, "bytes 50000-50099/300000", file[50_000:50_100], nil, 409, "total"},
			{"another total, asked", id, "bytes */300000", nil, nil, 409, "total"},
			{"no range", id, "", file[50_000:50_100], nil, 400, "content-range"},
			{"a unit", id, "items 50000-50099/200000", file[50_000:50_100], nil, 400, "content-range"},
			{"backwards", id, "bytes 50099-50000/200000", file[50_000:50_100], nil, 400, "content-range"},
			{"beyond the end", id, "bytes 50000-200000/200000", file[50_000:], nil, 400, "content-range"},
			{"unknown total", id, "bytes 50000-50099/*", file[50_000:50_100], nil, 400, "content-range"},
			{"a short body", id, "bytes 50000-50099/200000", file[50_000:50_050], nil, 400, "content-length"},
			{"a long body", id, "bytes 50000-50099/200000", file[50_000:51_000], nil, 400, "content-length"},
			{"an unknown digest", id, "bytes 50000-50099/200000", file[50_000:50_100], []accountstest.Option{h("Digest", "crc=AAAA")}, 400, "Digest"},
			{"an unknown session", strings.Repeat("0", 32), "bytes 50000-50099/200000", file[50_000:50_100], nil, 404, "Upload not found"},
			{"no session", "", "bytes 50000-50099/200000", file[50_000:50_100], nil, 404, ""},
			{"a path", "..%2F..%2Fetc%2Fpasswd", "bytes */200000", nil, nil, 404, ""},
			{"someone else's", id, "bytes 50000-50099/200000", file[50_000:50_100], []accountstest.Option{h("Authorization", "Bearer "+bob)}, 404, ""}, // SEC-61
			{"nobody's", id, "bytes 50000-50099/200000", file[50_000:50_100], []accountstest.Option{h("Authorization", "")}, 401, ""},
		} {
			a := e.put(c.id, c.span, c.body, c.opts...)
			if a.Code != c.status || !strings.Contains(a.Text(), c.says) {
				t.Errorf("%s: %d %s, want %d %q", c.name, a.Code, a.Text(), c.status, c.says)
			}
		}
		if a := e.Do("DELETE", resumable+"?upload_id="+id, bob, nil); a.Code != 404 {
			t.Errorf("bob aborted the upload: %d", a.Code)
		}
		if n := e.ask(id, len(file)); n != 50_000 {
			t.Errorf("after all that: %d", n)
		}
		e.video(e.chunk(id, file, 50_000, 200_000))
	})
}

// TestChunkedBody: without a Content-Length the range decides.
func TestChunkedBody(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	file := sized(t, 100_000)
	id := e.mustOpen(e.meta("Chunked"), len(file))
	unknown := func(r *http.Request) { r.ContentLength = -1 }
	if a := e.put(id, span(0, 50_000, len(file)), file[:30_000], unknown); a.Code != 400 {
		t.Errorf("a body that ends early: %d", a.Code)
	}
	if n := e.ask(id, len(file)); n != 30_000 {
		t.Errorf("of a body that ended early, %d bytes are kept", n)
	}
	if a := e.put(id, span(30_000, 50_000, len(file)), file[30_000:60_000], unknown); a.Code != 400 {
		t.Errorf("a body that is too long: %d", a.Code)
	}
	if a := e.put(id, span(30_000, 50_000, len(file)), file[30_000:50_000], unknown); a.Code != 308 {
		t.Errorf("a body that fits: %d %s", a.Code, a.Text())
	}
	e.video(e.put(id, span(50_000, 100_000, len(file)), file[50_000:], unknown))
}

func TestRefusedOpen(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d, func(o *upload.Options) { o.MaxFileSize = 1 * config.MiB })
		e.User("bob", rest.RoleUser)
		bobs := e.channelOf("bob")
		e.exec("UPDATE users SET video_quota = 500000 WHERE id = ?", e.alice.ID)
		h := accountstest.Header
		for _, c := range []struct {
			name   string
			set    map[string]any
			size   int
			opts   []accountstest.Option
			status int
			says   string
		}{
			{"no size", nil, 1000, []accountstest.Option{h("X-Upload-Content-Length", "")}, 400, "x-upload-content-length"},
			{"size nought", nil, 0, nil, 400, "x-upload-content-length"},
			{"a negative size", nil, -5, nil, 400, "x-upload-content-length"},
			{"no type", nil, 1000, []accountstest.Option{h("X-Upload-Content-Type", "")}, 400, "x-upload-content-type"},
			{"a page", nil, 1000, []accountstest.Option{h("X-Upload-Content-Type", "text/html")}, 415, "text/html"},
			{"no name", map[string]any{"name": nil}, 1000, nil, 400, `"name"`},
			{"a short name", map[string]any{"name": "ab"}, 1000, nil, 400, `"name"`},
			{"a wrong privacy", map[string]any{"privacy": 9}, 1000, nil, 400, `"privacy"`},
			{"six tags", map[string]any{"tags": []string{"aa", "bb", "cc", "dd", "ee", "ff"}}, 1000, nil, 400, `"tags"`},
			{"a name that is true", map[string]any{"name": true}, 1000, nil, 400, `"name"`},
			{"a description of a list", map[string]any{"description": []string{}}, 1000, nil, 400, `"description"`},
			{"tags that are none", map[string]any{"tags": []any{nil}}, 1000, nil, 400, `"tags"`},
			{"no channel", map[string]any{"channelId": nil}, 1000, nil, 400, `"channelId"`},
			{"an unknown channel", map[string]any{"channelId": 999999}, 1000, nil, 400, "Unknown video"},
			{"someone else's channel", map[string]any{"channelId": bobs}, 1000, nil, 403, ""},
			{"no file name", map[string]any{"filename": ""}, 1000, nil, 400, `"filename"`},
			{"a text", map[string]any{"filename": "notes.txt"}, 1000, nil, 415, ".mp4"},
			{"a drawing", map[string]any{"filename": "a.svg"}, 1000, nil, 415, ".mp4"},
			{"too large", nil, 1<<20 + 1, nil, 413, "max_file_size_reached"},
			{"over the quota", nil, 500_001, nil, 413, "quota_reached"},
		} {
			meta := e.meta("Refused")
			maps.Copy(meta, c.set)
			_, a := e.open(meta, c.size, c.opts...)
			if a.Code != c.status || !strings.Contains(a.Text(), c.says) {
				t.Errorf("%s: %d %s, want %d %q", c.name, a.Code, a.Text(), c.status, c.says)
			}
		}
		if a := e.Do("POST", resumable, "", e.meta("Refused")); a.Code != 401 {
			t.Errorf("without a token: %d", a.Code)
		}
		if a := e.Do("POST", resumable, e.token, "[1]", h("X-Upload-Content-Length", "5"), h("X-Upload-Content-Type", "video/mp4")); a.Code != 400 {
			t.Errorf("not an object: %d", a.Code)
		}
		if n := e.count("SELECT COUNT(*) FROM uploads"); n != 0 {
			t.Errorf("%d rows of refused uploads", n)
		}
		e.mustOpen(e.meta("Accepted"), 500_000) // exactly the quota
	})
}

// TestQuotaAtOnce: two uploads that together exceed the quota are not both
// opened, whatever their order (SEC-61).
func TestQuotaAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		e.exec("UPDATE users SET video_quota_daily = 1000000 WHERE id = ?", e.alice.ID)
		var wg sync.WaitGroup
		codes := make([]int, 6)
		for i := range codes {
			wg.Go(func() {
				_, a := e.open(e.meta("Number "+strconv.Itoa(i)), 400_000)
				codes[i] = a.Code
			})
		}
		wg.Wait()
		opened := 0
		for _, c := range codes {
			switch c {
			case 201:
				opened++
			case 413:
			default:
				t.Errorf("status %d", c)
			}
		}
		if opened != 2 {
			t.Errorf("%d of 6 uploads of 40%% of the quota each were opened: %v", opened, codes)
		}
		// The same session again takes nothing more.
		if _, a := e.open(e.meta("Number 0"), 400_000); a.Code != 201 && codes[0] == 201 {
			t.Errorf("opened again: %d", a.Code)
		}
		// One that is aborted makes room.
		var id string
		if err := e.DB.Read(t.Context()).Raw("SELECT id FROM uploads ORDER BY id LIMIT 1").Scan(&id).Error; err != nil {
			t.Fatal(err)
		}
		if a := e.Do("DELETE", resumable+"?upload_id="+id, e.token, nil); a.Code != 204 {
			t.Errorf("abort: %d", a.Code)
		}
		e.mustOpen(e.meta("Fits again"), 400_000)
	})
}

// TestSameSessionAtOnce: one session however often it is opened at once.
func TestSameSessionAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		var wg sync.WaitGroup
		ids := make([]string, 5)
		for i := range ids {
			wg.Go(func() { ids[i], _ = e.open(e.meta("Once"), 1000) })
		}
		wg.Wait()
		for _, id := range ids {
			if id == "" || id != ids[0] {
				t.Errorf("sessions %v", ids)
			}
		}
		if n := e.count("SELECT COUNT(*) FROM uploads"); n != 1 {
			t.Errorf("%d rows", n)
		}
	})
}

// TestBadFiles: content decides, and a file that cannot become a video leaves
// nothing behind.
func TestBadFiles(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		box := append([]byte("\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42"), bytes.Repeat([]byte{0, 0, 0, 8, 'f', 'r', 'e', 'e'}, 2000)...)
		playlist := []byte("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n" + strings.Repeat("#\n", 5000))
		for _, c := range []struct {
			name   string
			file   []byte
			status int
			says   string
		}{
			{"an HLS playlist", playlist, 415, "not supported"},
			{"a page", []byte("<html>" + strings.Repeat("x", 8000)), 415, "not supported"},
			{"a picture", picture(t, "red"), 415, "not supported"},
			{"a container without media", box, 422, "unreadable"},
		} {
			id := e.mustOpen(e.meta(c.name), len(c.file))
			a := e.chunk(id, c.file, 0, len(c.file))
			if a.Code != c.status || !strings.Contains(a.Text(), c.says) {
				t.Errorf("%s: %d %s, want %d", c.name, a.Code, a.Text(), c.status)
			}
			if a := e.put(id, fmt.Sprintf("bytes */%d", len(c.file)), nil); a.Code != 404 {
				t.Errorf("%s: the session is still there: %d", c.name, a.Code)
			}
		}
		// Refused with the first chunk, not after gigabytes.
		id := e.mustOpen(e.meta("early"), 10_000_000)
		if a := e.put(id, "bytes 0-4999/10000000", playlist[:5000]); a.Code != 415 {
			t.Errorf("first chunk of a playlist: %d", a.Code)
		}
		if n := e.count("SELECT COUNT(*) FROM uploads") + e.count("SELECT COUNT(*) FROM videos"); n != 0 {
			t.Errorf("%d rows left", n)
		}
		if p := e.parts(); len(p) != 0 {
			t.Errorf("left behind: %v", p)
		}
	})
}

func TestMediaLimits(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t), func(o *upload.Options) {
		strict := *o.Tool
		strict.Media.Side = 200
		o.Tool = &strict
	})
	file := clip(t)
	id := e.mustOpen(e.meta("Wide"), len(file))
	a := e.chunk(id, file, 0, len(file))
	if a.Code != 422 || !strings.Contains(a.Text(), "320 pixels") { // SEC-60: with the reason
		t.Errorf("a video that is too large: %d %s", a.Code, a.Text())
	}
}

// TestDiskReserve: uploads stop before the disk is full, and go on when there
// is room again (REL-16).
func TestDiskReserve(t *testing.T) {
	var free int64 = 1_200_000
	var mu sync.Mutex
	e := newEnv(t, dbtest.SQLite(t), func(o *upload.Options) {
		o.Reserve = 1_000_000
		o.Free = func() (int64, error) {
			mu.Lock()
			defer mu.Unlock()
			return free, nil
		}
	})
	set := func(n int64) { mu.Lock(); free = n; mu.Unlock() }
	file := sized(t, 150_000)
	if _, a := e.open(e.meta("Too much"), 200_001); a.Code != 507 || !strings.Contains(a.Text(), "insufficient_storage") {
		t.Errorf("open without room: %d %s", a.Code, a.Text())
	}
	id := e.mustOpen(e.meta("Fits"), len(file))
	e.chunk(id, file, 0, 50_000)
	set(1_050_000)
	if a := e.chunk(id, file, 50_000, 150_000); a.Code != 507 {
		t.Errorf("chunk without room: %d %s", a.Code, a.Text())
	}
	if n := e.ask(id, len(file)); n != 50_000 {
		t.Errorf("after a full disk: %d", n)
	}
	if a := e.legacy(e.token, field{"name", "", "No room"}, field{"channelId", "", strconv.FormatInt(e.channelID, 10)}, field{"videofile", "a.mp4", string(file)}); a.Code != 507 {
		t.Errorf("legacy without room: %d %s", a.Code, a.Text())
	}
	set(10_000_000)
	e.video(e.chunk(id, file, 50_000, 150_000))
}
