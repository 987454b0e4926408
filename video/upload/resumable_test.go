package upload_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"image/jpeg"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/upload"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestResumable walks the protocol once from the first request to a video.
func TestResumable(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		file := sized(t, 300_000)
		meta := e.meta("A first video")
		meta["tags"], meta["description"], meta["commentsEnabled"] = []string{"one", "two"}, "Seen **twice**", false
		id := e.mustOpen(meta, len(file))

		if n := e.ask(id, len(file)); n != 0 {
			t.Errorf("a new session has %d bytes", n)
		}
		a := e.chunk(id, file, 0, 100_000)
		if a.Code != 308 || a.Header().Get("Range") != "bytes=0-99999" || a.Header().Get("Location") != "" || a.Body.Len() != 0 {
			t.Fatalf("first chunk: %d %v %s", a.Code, a.Header(), a.Text())
		}
		// The same file and metadata find the session again; another name does not.
		same, a := e.open(meta, len(file))
		if a.Code != 200 || same != id || a.Header().Get("Range") != "bytes=0-99999" {
			t.Errorf("opened again: %d %s %s", a.Code, same, a.Header().Get("Range"))
		}
		other := e.meta("Another video")
		if x := e.mustOpen(other, len(file)); x == id {
			t.Error("two videos share a session")
		}
		if n := e.ask(id, len(file)); n != 100_000 {
			t.Errorf("asked: %d", n)
		}
		e.chunk(id, file, 100_000, 250_000)
		last := e.chunk(id, file, 250_000, 300_000)
		v := e.video(last)
		if v.Name != "A first video" || v.Description != "Seen **twice**" || v.State != catalog.ToTranscode || v.Privacy != catalog.Public ||
			v.Duration != 2 || v.AspectRatio != 1.7778 || v.SourceName != "clip.mp4" || v.SourceSize != 300_000 ||
			v.CommentsPolicy != catalog.CommentsDisabled || v.Owner.UserID != e.alice.ID {
			t.Errorf("video %+v", v)
		}
		if got := sum(e.stored(v.SourceKey)); got != sum(file) {
			t.Error("the source is not the file")
		}
		e.checkPictures(v)
		if n := e.count("SELECT COUNT(*) FROM renditions WHERE video_id = ? AND state = 'queued'", v.ID); n != 2 {
			t.Errorf("%d renditions are queued, want web and HLS", n)
		}
		if n := e.count("SELECT COUNT(*) FROM jobs WHERE kind = 'video.transcode'"); n != 2 {
			t.Errorf("%d jobs", n)
		}
		for _, p := range e.parts() {
			if strings.HasPrefix(p, id) {
				t.Errorf("%s stays in the folder of uploads", p)
			}
		}
		total, daily, err := e.catalog.Used(t.Context(), e.alice.ID)
		if want := int64(600_000); err != nil || total != want || daily != want { // and the other session
			t.Errorf("used %d, %d, %v, want %d", total, daily, err, want)
		}
		e.again(id, meta, file, v)
	})
}

// again repeats what a client does that missed the last answer.
func (e *env) again(id string, meta map[string]any, file []byte, v *catalog.Video) {
	e.t.Helper()
	for _, a := range []accountstest.Answer{
		e.chunk(id, file, 250_000, 300_000), e.put(id, fmt.Sprintf("bytes */%d", len(file)), nil),
	} {
		if got := e.video(a); got.ID != v.ID || a.Header().Get("X-Resumable-Upload-Cached") != "true" {
			e.t.Errorf("repeated: video %d, want %d", got.ID, v.ID)
		}
	}
	// One that starts over finds it finished with the first chunk.
	same, a := e.open(meta, len(file))
	if a.Code != 201 || same != id || a.Header().Get("Range") != "" {
		e.t.Errorf("opened after the end: %d %s", a.Code, same)
	}
	if got := e.video(e.chunk(same, file, 0, 100_000)); got.ID != v.ID {
		e.t.Errorf("the same file became video %d, want %d", got.ID, v.ID)
	}
	if n := e.count("SELECT COUNT(*) FROM videos"); n != 1 {
		e.t.Errorf("%d videos", n)
	}
	// After the video is deleted, the file can be uploaded again.
	if a := e.Do("DELETE", "/api/v1/videos/upload-resumable?upload_id="+id, e.token, nil); a.Code != 404 {
		e.t.Errorf("aborted a finished upload: %d", a.Code)
	}
	e.exec("DELETE FROM videos WHERE id = ?", v.ID)
	if a := e.chunk(id, file, 0, 100_000); a.Code != 404 {
		e.t.Errorf("chunk for a deleted video: %d", a.Code)
	}
	if fresh := e.mustOpen(meta, len(file)); fresh == id {
		e.t.Error("the session of a deleted video was used again")
	}
}

// TestRandomCuts breaks the connection 100 times at random places. Every offset
// told is true, nothing told is forgotten, and the file is right in the end
// (REL-14).
func TestRandomCuts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		srv := httptest.NewServer(e.Echo)
		defer srv.Close()
		file := sized(t, 3_000_000)
		id := e.mustOpen(e.meta("Cut to pieces"), len(file))
		rng := rand.New(rand.NewPCG(7, uint64(len(file))))
		at, sent, reached := 0, 0, 0
		for i := range 100 {
			want := 1 + rng.IntN(60_000)
			to := min(at+want, len(file)-1)
			cut := at + rng.IntN(to-at+1) // the connection breaks after so many bytes
			sent += e.broken(srv, id, file, at, to, cut)
			// A request that broke off may be read after this question, so what
			// any of them sent can turn up later.
			reached = max(reached, cut)
			told := e.ask(id, len(file))
			if told < at || told > reached {
				t.Fatalf("cut %d: sent %d to %d, but the server has %d", i, at, cut, told)
			}
			at = told
		}
		if at < len(file)/10 {
			t.Errorf("after 100 cuts only %d bytes of %d sent ones are there", at, sent)
		}
		for at < len(file) {
			to := min(at+500_000, len(file))
			a := e.chunk(id, file, at, to)
			if a.Code == 409 { // one of those was read just now
				at = e.ask(id, len(file))
				continue
			}
			if a.Code == 200 {
				v := e.video(a)
				if sum(e.stored(v.SourceKey)) != sum(file) {
					t.Error("the file is not what was sent")
				}
				return
			}
			if at = offset(t, a.Header().Get("Range")); a.Code != 308 || at != to {
				t.Fatalf("chunk: %d %s, offset %d want %d", a.Code, a.Text(), at, to)
			}
		}
	})
}

// broken announces file[at:to], sends file[at:cut] and hangs up; now and then
// without waiting for the server to read it.
func (e *env) broken(srv *httptest.Server, id string, file []byte, at, to, cut int) int {
	e.t.Helper()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		e.t.Fatal(err)
	}
	defer conn.Close()
	var b bytes.Buffer
	fmt.Fprintf(&b, "PUT %s?upload_id=%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Range: %s\r\nContent-Length: %d\r\n\r\n",
		resumable, id, accountstest.Host, e.token, span(at, to, len(file)), to-at)
	b.Write(file[at:cut])
	if _, err := conn.Write(b.Bytes()); err != nil {
		e.t.Fatal(err)
	}
	if cut == to { // let it be answered, as if the answer was lost
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, _ = conn.Read(make([]byte, 12))
	}
	if cut%3 == 0 { // a reset in place of an orderly end
		_ = conn.(*net.TCPConn).SetLinger(0)
	} else {
		_ = conn.(*net.TCPConn).CloseWrite()
	}
	return cut - at
}

// TestTakeOver: a client comes back before the server has noticed that its
// connection is dead.
func TestTakeOver(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	srv := httptest.NewServer(e.Echo)
	defer srv.Close()
	file := sized(t, 200_000)
	id := e.mustOpen(e.meta("Impatient"), len(file))
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	e.begin(conn, id, file, 70_000)
	part := filepath.Join(e.opts.Dir, id)
	waitFor(t, "the bytes on the disk", func() bool {
		fi, err := os.Stat(part)
		return err == nil && fi.Size() == 70_000
	})
	begin := time.Now()
	req, err := http.NewRequest(http.MethodPut, srv.URL+resumable+"?upload_id="+id, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Authorization": {"Bearer " + e.token}, "Content-Range": {fmt.Sprintf("bytes */%d", len(file))}}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusPermanentRedirect || offset(t, resp.Header.Get("Range")) != 70_000 {
		t.Errorf("took over: %d, Range %q", resp.StatusCode, resp.Header.Get("Range"))
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("waited %s for a dead connection", took)
	}
	if v := e.video(e.chunk(id, file, 70_000, len(file))); sum(e.stored(v.SourceKey)) != sum(file) {
		t.Error("the file is not what was sent")
	}
}

// begin announces the whole file and sends its first n bytes.
func (e *env) begin(conn net.Conn, id string, file []byte, n int) {
	e.t.Helper()
	_, err := fmt.Fprintf(conn, "PUT %s?upload_id=%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Range: %s\r\nContent-Length: %d\r\n\r\n%s",
		resumable, id, accountstest.Host, e.token, span(0, len(file), len(file)), len(file), file[:n])
	if err != nil {
		e.t.Fatal(err)
	}
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s", what)
		}
	}
}

// TestStalledClient: a client that sends nothing any more loses its turn, not
// its bytes.
func TestStalledClient(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t), func(o *upload.Options) { o.Stall = 200 * time.Millisecond })
	srv := httptest.NewServer(e.Echo)
	defer srv.Close()
	file := sized(t, 200_000)
	id := e.mustOpen(e.meta("Stalled"), len(file))
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	e.begin(conn, id, file, 5000)
	waitFor(t, "received bytes in the row", func() bool { return e.count("SELECT received FROM uploads WHERE id = ?", id) == 5000 })
}

// TestKilled starts a second server on what a killed one left behind.
func TestKilled(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		file := sized(t, 300_000)
		part := func(id string) string { return filepath.Join(e.opts.Dir, id) }
		restart := func() {
			up, err := upload.New(e.opts)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = up.Close() })
			e.restart(up)
		}

		t.Run("bytes after the row", func(t *testing.T) {
			id := e.mustOpen(e.meta("Longer than told"), len(file))
			e.chunk(id, file, 0, 100_000)
			f, err := os.OpenFile(part(id), os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write(bytes.Repeat([]byte("junk"), 70_000)); err != nil { // even beyond the size
				t.Fatal(err)
			}
			f.Close()
			restart()
			if n := e.ask(id, len(file)); n != 100_000 {
				t.Fatalf("told %d, want what the row says", n)
			}
			v := e.video(e.chunk(id, file, 100_000, len(file)))
			if sum(e.stored(v.SourceKey)) != sum(file) {
				t.Error("junk of the killed process is in the file")
			}
		})
		t.Run("fewer bytes than the row", func(t *testing.T) {
			id := e.mustOpen(e.meta("Shorter than told"), len(file))
			e.chunk(id, file, 0, 100_000)
			if err := os.Truncate(part(id), 60_000); err != nil {
				t.Fatal(err)
			}
			restart()
			if n := e.ask(id, len(file)); n != 60_000 {
				t.Fatalf("told %d, more than is stored", n)
			}
			v := e.video(e.chunk(id, file, 60_000, len(file)))
			if sum(e.stored(v.SourceKey)) != sum(file) {
				t.Error("the file is not what was sent")
			}
		})
		t.Run("while finishing", func(t *testing.T) {
			id := e.mustOpen(e.meta("Almost"), len(file))
			e.chunk(id, file, 0, 299_999)
			// As if the last chunk was stored, the source linked and moved, and then the power went.
			if err := os.WriteFile(part(id), file, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Link(part(id), part(id)+".src"); err != nil {
				t.Fatal(err)
			}
			e.exec("UPDATE uploads SET state = 'finishing', received = size WHERE id = ?", id)
			restart()
			v := e.video(e.put(id, fmt.Sprintf("bytes */%d", len(file)), nil))
			if v.Name != "Almost" || sum(e.stored(v.SourceKey)) != sum(file) {
				t.Errorf("video %+v", v)
			}
		})
		if n := e.count("SELECT COUNT(*) FROM videos"); n != 3 {
			t.Errorf("%d videos", n)
		}
		if p := e.parts(); len(p) != 0 {
			t.Errorf("left behind: %v", p)
		}
	})
}

// restart serves the routes with another Upload, as a new process would.
func (e *env) restart(up *upload.Upload) {
	e.up = up
	fresh := accountstest.New(e.t, e.DB)
	up.Routes(fresh.Router)
	e.Env = fresh
}

func TestChecksums(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	file := sized(t, 200_000)
	id := e.mustOpen(e.meta("Checked"), len(file))
	m, s := md5.Sum(file[:50_000]), sha1.Sum(file[50_000:100_000])
	b64 := base64.StdEncoding.EncodeToString
	if a := e.chunk(id, file, 0, 50_000, accountstest.Header("Content-MD5", b64(s[:16]))); a.Code != 460 || !strings.Contains(a.Text(), "checksum") {
		t.Errorf("wrong checksum: %d %s", a.Code, a.Text())
	}
	if n := e.ask(id, len(file)); n != 0 {
		t.Errorf("a chunk with a wrong checksum was kept: %d", n)
	}
	if a := e.chunk(id, file, 0, 50_000, accountstest.Header("Content-MD5", b64(m[:]))); a.Code != 308 {
		t.Errorf("right Content-MD5: %d %s", a.Code, a.Text())
	}
	if a := e.chunk(id, file, 50_000, 100_000, accountstest.Header("Digest", "sha="+b64(s[:]))); a.Code != 308 {
		t.Errorf("right Digest: %d %s", a.Code, a.Text())
	}
	e.video(e.chunk(id, file, 100_000, 200_000))
}

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

// TestBusy: another process works on the upload.
func TestBusy(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	file := clip(t)
	id := e.mustOpen(e.meta("Contended"), len(file))
	e.chunk(id, file, 0, 5000)
	f, err := os.OpenFile(filepath.Join(e.opts.Dir, id), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	a := e.chunk(id, file, 5000, len(file))
	if a.Code != 503 || a.Header().Get("Retry-After") == "" {
		t.Errorf("while another process has it: %d %v", a.Code, a.Header())
	}
	e.exec("UPDATE uploads SET updated_at = ? WHERE id = ?", db.Now().Add(-2*time.Hour), id)
	if err := e.up.Clean(t.Context()); err != nil {
		t.Errorf("Clean: %v", err)
	}
	if n := e.count("SELECT COUNT(*) FROM uploads"); n != 1 {
		t.Error("the cleaner took an upload that someone works on")
	}
	f.Close() // as when that process dies
	e.video(e.chunk(id, file, 5000, len(file)))
}

// TestFinishAtOnce: the last chunk twice at the same time makes one video.
func TestFinishAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		file := clip(t)
		id := e.mustOpen(e.meta("Twice"), len(file))
		var wg sync.WaitGroup
		answers := make([]accountstest.Answer, 4)
		for i := range answers {
			wg.Go(func() { answers[i] = e.chunk(id, file, 0, len(file)) })
		}
		wg.Wait()
		ok := 0
		for _, a := range answers {
			switch a.Code {
			case 200:
				ok++
			case 503, 409, 400: // is being finished; was overtaken
			default:
				t.Errorf("%d %s", a.Code, a.Text())
			}
		}
		if ok == 0 {
			t.Error("nobody got the video")
		}
		if n := e.count("SELECT COUNT(*) FROM videos"); n != 1 {
			t.Errorf("%d videos", n)
		}
	})
}

func TestPictures(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		file := clip(t)
		body, ct := form(t,
			field{"channelId", "", strconv.FormatInt(e.channelID, 10)}, field{"name", "", "With a picture"}, field{"filename", "", "clip.mp4"},
			field{"tags[0]", "", "red"}, field{"tags[1]", "", "green"}, field{"thumbnailfile", "t.jpg", string(picture(t, "red"))})
		h := accountstest.Header
		a := e.Do("POST", resumable, e.token, body, h("Content-Type", ct),
			h("X-Upload-Content-Length", strconv.Itoa(len(file))), h("X-Upload-Content-Type", "video/mp4"))
		if a.Code != 201 {
			t.Fatalf("open with a picture: %d %s", a.Code, a.Text())
		}
		_, id, _ := strings.Cut(a.Header().Get("Location"), "upload_id=")
		v := e.video(e.chunk(id, file, 0, len(file)))
		e.checkPictures(v)
		m, err := e.catalog.Media(t.Context(), v.ID)
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(bytes.NewReader(e.stored(m.Thumbnail(catalog.Preview).Key())))
		if err != nil {
			t.Fatal(err)
		}
		if r, g, _, _ := img.At(400, 200).RGBA(); r>>8 < 200 || g>>8 > 60 {
			t.Errorf("the preview is not the user's picture: %v", img.At(400, 200))
		}
		if fmt.Sprint(m.Tags) != "[red green]" {
			t.Errorf("tags %v", m.Tags)
		}
		// No picture at all.
		body, ct = form(t, field{"channelId", "", strconv.FormatInt(e.channelID, 10)}, field{"name", "", "Broken picture"},
			field{"filename", "", "clip.mp4"}, field{"previewfile", "t.jpg", "<svg/>"})
		a = e.Do("POST", resumable, e.token, body, h("Content-Type", ct), h("X-Upload-Content-Length", "5000"), h("X-Upload-Content-Type", "video/mp4"))
		if a.Code != 400 || !strings.Contains(a.Text(), "previewfile") {
			t.Errorf("a picture that is none: %d %s", a.Code, a.Text())
		}
		// The video has no place in this request.
		body, ct = form(t, field{"videofile", "a.mp4", "x"})
		a = e.Do("POST", resumable, e.token, body, h("Content-Type", ct), h("X-Upload-Content-Length", "5000"), h("X-Upload-Content-Type", "video/mp4"))
		if a.Code != 400 || !strings.Contains(a.Text(), "videofile") {
			t.Errorf("video in the first request: %d %s", a.Code, a.Text())
		}
	})
}

// TestClean: what nobody goes on with is removed, and nothing else.
func TestClean(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		file := clip(t)
		old := db.Now().Add(-61 * time.Minute)

		body, ct := form(t, field{"channelId", "", strconv.FormatInt(e.channelID, 10)}, field{"name", "", "Expired"},
			field{"filename", "", "clip.mp4"}, field{"thumbnailfile", "t.jpg", string(picture(t, "red"))})
		h := accountstest.Header
		a := e.Do("POST", resumable, e.token, body, h("Content-Type", ct), h("X-Upload-Content-Length", strconv.Itoa(len(file))), h("X-Upload-Content-Type", "video/mp4"))
		_, expired, _ := strings.Cut(a.Header().Get("Location"), "upload_id=")
		e.chunk(expired, file, 0, 5000)
		active := e.mustOpen(e.meta("Active"), len(file))
		e.chunk(active, file, 0, 5000)
		done := e.mustOpen(e.meta("Done"), len(file))
		v := e.video(e.chunk(done, file, 0, len(file)))
		for _, id := range []string{expired, done} {
			e.exec("UPDATE uploads SET updated_at = ? WHERE id = ?", old, id)
		}
		stray := filepath.Join(e.opts.Dir, strings.Repeat("a", 32))
		frames := filepath.Join(e.opts.Dir, "frames-1")
		if err := os.WriteFile(stray, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(frames, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{stray, frames} {
			if err := os.Chtimes(p, old, old); err != nil {
				t.Fatal(err)
			}
		}
		pictures := func() int {
			n := 0
			if err := e.store.Walk(t.Context(), "", func(o storageObject) error {
				if strings.HasSuffix(o.Key, ".jpg") {
					n++
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := pictures(); n != 4 {
			t.Errorf("%d pictures before", n)
		}
		if err := e.up.Clean(t.Context()); err != nil {
			t.Fatal(err)
		}
		e.exec("UPDATE jobs SET state = 'done' WHERE kind = 'video.transcode'") // another package's
		jobstest.Run(t, d, e.catalog.Jobs()...)
		jobstest.Drain(t, d)
		if n := pictures(); n != 2 {
			t.Errorf("%d pictures after", n)
		}
		if a := e.chunk(expired, file, 5000, len(file)); a.Code != 404 {
			t.Errorf("an expired upload goes on: %d", a.Code)
		}
		if got := e.parts(); len(got) != 1 || got[0] != active {
			t.Errorf("parts %v, want the active one", got)
		}
		if _, err := e.catalog.ByID(t.Context(), v.ID); err != nil {
			t.Errorf("the video of a forgotten upload: %v", err)
		}
		e.stored(v.SourceKey)
		e.checkPictures(v)
		e.video(e.chunk(active, file, 5000, len(file)))
	})
}

func TestPeriodic(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	p := e.up.Periodic()
	if len(p) != 1 || p[0].Every > 10*time.Minute {
		t.Fatalf("Periodic = %+v", p)
	}
	h := e.up.Jobs()
	if len(h) != 1 || h[0].Kind != p[0].Args.Kind() {
		t.Fatalf("Jobs = %+v", h)
	}
	if err := h[0].Work(context.Background(), []byte("{}")); err != nil {
		t.Error(err)
	}
}

func TestAbort(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		file := clip(t)
		id := e.mustOpen(e.meta("Aborted"), len(file))
		e.chunk(id, file, 0, 5000)
		if a := e.Do("DELETE", resumable+"?upload_id="+id, e.token, nil); a.Code != 204 || a.Body.Len() != 0 {
			t.Errorf("abort: %d %s", a.Code, a.Text())
		}
		if a := e.Do("DELETE", resumable+"?upload_id="+id, e.token, nil); a.Code != 404 {
			t.Errorf("abort again: %d", a.Code)
		}
		if a := e.chunk(id, file, 5000, len(file)); a.Code != 404 {
			t.Errorf("chunk after the abort: %d", a.Code)
		}
		if p := e.parts(); len(p) != 0 {
			t.Errorf("left behind: %v", p)
		}
		fresh := e.mustOpen(e.meta("Aborted"), len(file))
		e.video(e.chunk(fresh, file, 0, len(file)))
	})
}

// TestChannelGone: the channel was deleted while the file came in.
func TestChannelGone(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	file := clip(t)
	id := e.mustOpen(e.meta("Homeless"), len(file))
	e.exec("UPDATE actors SET gone_at = ? WHERE username = 'alice_channel'", db.Now())
	if a := e.chunk(id, file, 0, len(file)); a.Code != 400 || !strings.Contains(a.Text(), "channel") {
		t.Errorf("%d %s", a.Code, a.Text())
	}
	if n := e.count("SELECT COUNT(*) FROM videos") + e.count("SELECT COUNT(*) FROM uploads"); n != 0 {
		t.Errorf("%d rows", n)
	}
}
