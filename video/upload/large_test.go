package upload_test

import (
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"time"
)

// watchHeap reports the largest heap until stop.
func watchHeap(stop chan struct{}, peak chan uint64) {
	var most uint64
	var m runtime.MemStats
	for {
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapInuse)
		select {
		case <-stop:
			peak <- most
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// sendLarge uploads a file by the resumable protocol, in one chunk, and then in
// one form.
func (e *env) sendLarge(srv *httptest.Server, path string, size int) {
	e.t.Helper()
	id := e.mustOpen(e.meta("Large"), size)
	f, err := os.Open(path)
	if err != nil {
		e.t.Fatal(err)
	}
	defer f.Close()
	req, err := http.NewRequest(http.MethodPut, srv.URL+resumable+"?upload_id="+id, io.NopCloser(f))
	if err != nil {
		e.t.Fatal(err)
	}
	req.ContentLength = int64(size)
	req.Header.Set("Content-Range", span(0, size, size))
	e.sendOK(req)

	pr, pw := io.Pipe()
	w := multipart.NewWriter(pw)
	go func() {
		err := func() error {
			for k, v := range map[string]string{"name": "Large form", "channelId": strconv.FormatInt(e.channelID, 10)} {
				if err := w.WriteField(k, v); err != nil {
					return err
				}
			}
			p, err := w.CreateFormFile("videofile", "large.mp4")
			if err != nil {
				return err
			}
			g, err := os.Open(path)
			if err != nil {
				return err
			}
			defer g.Close()
			if _, err := io.Copy(p, g); err != nil {
				return err
			}
			return w.Close()
		}()
		pw.CloseWithError(err)
	}()
	if req, err = http.NewRequest(http.MethodPost, srv.URL+"/api/v1/videos/upload", pr); err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	e.sendOK(req)
}

func (e *env) sendOK(req *http.Request) {
	e.t.Helper()
	req.Header.Set("Authorization", "Bearer "+e.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		e.t.Fatalf("%s: %d %s %v", req.Method, resp.StatusCode, b, err)
	}
}
