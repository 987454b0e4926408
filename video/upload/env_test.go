package upload_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"image"
	_ "image/jpeg"
	"io"
	"log/slog"
	"mime/multipart"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/video/upload"
	"github.com/kinemesh/kinemesh/web/rest"
)

const resumable = "/api/v1/videos/upload-resumable"

// env is a server with uploads on a real disk, database and ffmpeg.
type env struct {
	*accountstest.Env
	t         *testing.T
	catalog   *catalog.Service
	store     *storage.FS
	up        *upload.Upload
	opts      upload.Options
	alice     *user.User
	token     string
	channelID int64
}

func newEnv(t *testing.T, d *db.DB, change ...func(*upload.Options)) *env {
	t.Helper()
	e := &env{Env: accountstest.New(t, d), t: t}
	dir := t.TempDir()
	var err error
	if e.store, err = storage.OpenFS(filepath.Join(dir, "storage"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.store.Close() })
	e.catalog, err = catalog.New(catalog.Options{
		DB: d, Channels: e.Channels, Origin: e.Config.Origin(), DeleteFile: e.store.Delete,
		PutFile: func(ctx context.Context, key string, r io.Reader) error {
			_, err := e.store.Put(ctx, key, r)
			return err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	e.opts = upload.Options{
		DB: d, Catalog: e.catalog, Channels: e.Channels, Store: e.store, Tool: tool(t), Dir: filepath.Join(dir, "storage", "uploads"),
		Transcoding: func() config.Transcoding { return config.Default().Transcoding },
		Defaults:    func() config.DefaultsPublish { return config.Default().Defaults.Publish }, Reserve: -1,
		Logger: slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&e.opts)
	}
	if e.up, err = upload.New(e.opts); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.up.Close() })
	e.up.Routes(e.Router)
	if err := e.Router.Err(); err != nil {
		t.Fatal(err)
	}
	e.alice, e.token = e.User("alice", rest.RoleUser)
	e.channelID = e.channelOf("alice")
	return e
}

func (e *env) channelOf(name string) int64 {
	e.t.Helper()
	ch, err := e.Channels.ChannelByHandle(e.t.Context(), name+"_channel")
	if err != nil {
		e.t.Fatal(err)
	}
	return ch.ID
}

// exec writes to the database behind the server's back.
func (e *env) exec(sql string, args ...any) {
	e.t.Helper()
	err := e.DB.Tx(e.t.Context(), func(tx *db.Tx) error { return tx.Exec(sql, args...).Error })
	if err != nil {
		e.t.Fatal(err)
	}
}

func (e *env) count(sql string, args ...any) int64 {
	e.t.Helper()
	var n int64
	if err := e.DB.Read(e.t.Context()).Raw(sql, args...).Scan(&n).Error; err != nil {
		e.t.Fatal(err)
	}
	return n
}

// parts are the files in the folder of uploads.
func (e *env) parts() []string {
	e.t.Helper()
	entries, err := os.ReadDir(e.opts.Dir)
	if err != nil {
		e.t.Fatal(err)
	}
	var out []string
	for _, x := range entries {
		out = append(out, x.Name())
	}
	return out
}

func (e *env) meta(name string) map[string]any {
	return map[string]any{"channelId": e.channelID, "name": name, "filename": "clip.mp4", "privacy": 1}
}

// open opens a session and returns its id.
func (e *env) open(meta map[string]any, size int, opts ...accountstest.Option) (string, accountstest.Answer) {
	e.t.Helper()
	opts = append([]accountstest.Option{
		accountstest.Header("X-Upload-Content-Length", strconv.Itoa(size)), accountstest.Header("X-Upload-Content-Type", "video/mp4"),
	}, opts...)
	a := e.Do("POST", resumable, e.token, meta, opts...)
	const prefix = resumable + "?upload_id="
	loc := a.Header().Get("Location")
	if len(loc) != len(prefix)+32 {
		return "", a
	}
	return loc[len(prefix):], a
}

// mustOpen opens a session that must be new.
func (e *env) mustOpen(meta map[string]any, size int) string {
	e.t.Helper()
	id, a := e.open(meta, size)
	if a.Code != 201 || id == "" {
		e.t.Fatalf("open: %d %s", a.Code, a.Text())
	}
	return id
}

func (e *env) put(id, span string, chunk []byte, opts ...accountstest.Option) accountstest.Answer {
	e.t.Helper()
	opts = append([]accountstest.Option{
		accountstest.Header("Content-Type", "application/octet-stream"), accountstest.Header("Content-Range", span),
	}, opts...)
	return e.Do("PUT", resumable+"?upload_id="+id, e.token, string(chunk), opts...)
}

// chunk sends file[from:to].
func (e *env) chunk(id string, file []byte, from, to int, opts ...accountstest.Option) accountstest.Answer {
	e.t.Helper()
	return e.put(id, span(from, to, len(file)), file[from:to], opts...)
}

func span(from, to, total int) string { return fmt.Sprintf("bytes %d-%d/%d", from, to-1, total) }

// ask returns the offset that the server tells; -1 when it says 200.
func (e *env) ask(id string, total int) int {
	e.t.Helper()
	a := e.put(id, fmt.Sprintf("bytes */%d", total), nil)
	if a.Code == 200 {
		return -1
	}
	if a.Code != 308 {
		e.t.Fatalf("ask: %d %s", a.Code, a.Text())
	}
	return offset(e.t, a.Header().Get("Range"))
}

// offset reads a Range header of the protocol.
func offset(t *testing.T, h string) int {
	t.Helper()
	if h == "" {
		return 0
	}
	var last int
	if _, err := fmt.Sscanf(h, "bytes=0-%d", &last); err != nil {
		t.Fatalf("Range %q: %v", h, err)
	}
	return last + 1
}

// video checks the answer of a finished upload and loads the video.
func (e *env) video(a accountstest.Answer) *catalog.Video {
	e.t.Helper()
	if a.Code != 200 {
		e.t.Fatalf("finished upload: %d %s", a.Code, a.Text())
	}
	got := a.JSON()["video"].(map[string]any)
	v, err := e.catalog.ByID(e.t.Context(), int64(got["id"].(float64)))
	if err != nil {
		e.t.Fatal(err)
	}
	if got["uuid"] != v.UUID || got["shortUUID"] != v.ShortUUID() {
		e.t.Errorf("answer %v for video %s", got, v.UUID)
	}
	return v
}

// stored reads an object.
func (e *env) stored(key string) []byte {
	e.t.Helper()
	r, err := e.store.Open(e.t.Context(), key)
	if err != nil {
		e.t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		e.t.Fatal(err)
	}
	return b
}

// checkPictures looks at the two pictures of a video.
func (e *env) checkPictures(v *catalog.Video) {
	e.t.Helper()
	m, err := e.catalog.Media(e.t.Context(), v.ID)
	if err != nil {
		e.t.Fatal(err)
	}
	for kind, want := range map[int]image.Point{catalog.Miniature: {X: 280, Y: 157}, catalog.Preview: {X: 850, Y: 480}} {
		p := m.Thumbnail(kind)
		if p == nil {
			e.t.Errorf("picture %d is missing", kind)
			continue
		}
		cfg, format, err := image.DecodeConfig(bytes.NewReader(e.stored(p.Key())))
		if err != nil || format != "jpeg" || cfg.Width != want.X || cfg.Height != want.Y {
			e.t.Errorf("picture %d: %s %dx%d, %v, want a JPEG of %v", kind, format, cfg.Width, cfg.Height, err, want)
		}
	}
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// field is one part of a form.
type field struct{ name, file, value string }

func form(t *testing.T, fields ...field) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		h := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name=%q`, f.name)}}
		if f.file != "" {
			h.Set("Content-Disposition", fmt.Sprintf(`form-data; name=%q; filename=%q`, f.name, f.file))
		}
		p, err := w.CreatePart(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(p, f.value); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

// legacy uploads in one request.
func (e *env) legacy(token string, fields ...field) accountstest.Answer {
	e.t.Helper()
	body, ct := form(e.t, fields...)
	return e.Do("POST", "/api/v1/videos/upload", token, body, accountstest.Header("Content-Type", ct))
}

var media struct {
	sync.Mutex
	dir  string
	tool *ffmpeg.Tool
}

func TestMain(m *testing.M) {
	var err error
	if media.dir, err = os.MkdirTemp("", "upload-test"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(media.dir)
	os.Exit(code)
}

func tool(t *testing.T) *ffmpeg.Tool {
	t.Helper()
	media.Lock()
	defer media.Unlock()
	if media.tool == nil {
		found, err := ffmpeg.Find(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		media.tool = found
	}
	return media.tool
}

// make makes a media file once and returns its bytes.
func makeMedia(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	bin := tool(t).FFmpeg
	media.Lock()
	defer media.Unlock()
	path := filepath.Join(media.dir, name)
	b, err := os.ReadFile(path)
	if err == nil {
		return b
	}
	if out, err := exec.Command(bin, append(append([]string{"-v", "error", "-y"}, args...), path)...).CombinedOutput(); err != nil {
		t.Fatalf("make %s: %v: %s", name, err, out)
	}
	if b, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	return b
}

// clip is two seconds of H.264 and AAC.
func clip(t *testing.T) []byte {
	return makeMedia(t, "clip.mp4", "-f", "lavfi", "-i", "testsrc=s=320x180:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest", "-movflags", "faststart")
}

// sized is the clip, grown to n bytes by a box that players skip.
func sized(t *testing.T, n int) []byte {
	t.Helper()
	b := bytes.Clone(clip(t))
	if n < len(b)+8 {
		t.Fatalf("the clip has %d bytes already", len(b))
	}
	box := make([]byte, n-len(b))
	_, _ = rand.Read(box)
	binary.BigEndian.PutUint32(box, uint32(len(box)))
	copy(box[4:], "free")
	return append(b, box...)
}

// sound is a second of audio alone.
func sound(t *testing.T) []byte {
	return makeMedia(t, "sound.flac", "-f", "lavfi", "-i", "sine=d=1")
}

// picture is a JPEG of one colour.
func picture(t *testing.T, colour string) []byte {
	return makeMedia(t, colour+".jpg", "-f", "lavfi", "-i", "color="+colour+":s=640x360", "-frames:v", "1")
}
