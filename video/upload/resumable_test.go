package upload_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"image/jpeg"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/upload"
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
		t.Run("before the user's picture was stored", func(t *testing.T) {
			_, id := e.openWithPicture("No picture after all", len(file))
			err := e.store.Walk(t.Context(), "", func(o storageObject) error {
				if keys, err := e.up.Keys(t.Context()); err != nil || !slices.Contains(keys, o.Key) {
					return err
				}
				return e.store.Delete(t.Context(), o.Key)
			})
			if err != nil {
				t.Fatal(err)
			}
			restart()
			e.checkPictures(e.video(e.chunk(id, file, 0, len(file))))
		})
		if n := e.count("SELECT COUNT(*) FROM videos"); n != 4 {
			t.Errorf("%d videos", n)
		}
		if keys, err := e.up.Keys(t.Context()); err != nil || len(keys) != 0 {
			t.Errorf("Keys = %v, %v, with no upload open", keys, err)
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

// openWithPicture opens a session by a form with a red thumbnail.
func (e *env) openWithPicture(name string, size int) (a accountstest.Answer, id string) {
	e.t.Helper()
	body, ct := form(e.t,
		field{"channelId", "", strconv.FormatInt(e.channelID, 10)}, field{"name", "", name}, field{"filename", "", "clip.mp4"},
		field{"tags[0]", "", "red"}, field{"tags[1]", "", "green"}, field{"thumbnailfile", "t.jpg", string(picture(e.t, "red"))})
	h := accountstest.Header
	a = e.Do("POST", resumable, e.token, body, h("Content-Type", ct),
		h("X-Upload-Content-Length", strconv.Itoa(size)), h("X-Upload-Content-Type", "video/mp4"))
	_, id, _ = strings.Cut(a.Header().Get("Location"), "upload_id=")
	return a, id
}

func TestPictures(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		file := clip(t)
		h := accountstest.Header
		a, id := e.openWithPicture("With a picture", len(file))
		if a.Code != 201 {
			t.Fatalf("open with a picture: %d %s", a.Code, a.Text())
		}
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
		body, ct := form(t, field{"channelId", "", strconv.FormatInt(e.channelID, 10)}, field{"name", "", "Broken picture"},
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
