package tracker

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// nowhere is a response writer that keeps nothing.
type nowhere struct{ header http.Header }

func (w nowhere) Header() http.Header         { return w.header }
func (w nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (w nowhere) WriteHeader(int)             {}

// BenchmarkAnnounceHTTP announces 10,000 peers of 100 torrents, 30 wanted:
// "handler" without a network, "connection" over kept connections with the
// client in the same process.
func BenchmarkAnnounceHTTP(b *testing.B) {
	s := open(b, func(o *Options) { o.Private = false })
	path := func(n int) string {
		return fmt.Sprintf("/tracker/announce?info_hash=%%%02x%%ff%%00%017d&peer_id=%s&port=%d&uploaded=0&downloaded=0&left=%d&numwant=30&compact=1&key=ABCD",
			n%100, n%100, id(n), 1+n, n%5)
	}
	b.Run("handler", func(b *testing.B) {
		requests := make([]*http.Request, 10_000)
		for i := range requests {
			requests[i] = httptest.NewRequest(http.MethodGet, path(i), nil)
			requests[i].RemoteAddr = fmt.Sprintf("198.51.%d.%d:1", i>>8, i&255)
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			s.Handler().ServeHTTP(nowhere{make(http.Header)}, requests[i%len(requests)])
		}
	})
	b.Run("connection", func(b *testing.B) {
		server := httptest.NewServer(s.Handler())
		defer server.Close()
		var next atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			r := bufio.NewReader(conn)
			for pb.Next() {
				_, _ = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path(int(next.Add(1))%10_000))
				res, err := http.ReadResponse(r, nil)
				if err != nil {
					b.Error(err)
					return
				}
				body, err := io.ReadAll(res.Body)
				if err != nil || !bytes.HasPrefix(body, []byte("d8:complete")) {
					b.Errorf("answer %q, %v", body, err)
					return
				}
				_ = res.Body.Close()
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "announces/s")
	})
}

// plainClient is a WebSocket client that costs next to no memory, so that what
// a benchmark measures is the server's.
type plainClient struct {
	conn net.Conn
	buf  []byte
}

func dialPlain(tb testing.TB, addr string) *plainClient {
	tb.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	_, _ = fmt.Fprintf(conn, "GET /tracker/socket HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", addr)
	c := &plainClient{conn: conn}
	for !bytes.HasSuffix(c.buf, []byte("\r\n\r\n")) {
		b := make([]byte, 1)
		if _, err := conn.Read(b); err != nil {
			tb.Fatal(err)
		}
		c.buf = append(c.buf, b...)
	}
	if !bytes.Contains(c.buf, []byte(" 101 ")) {
		tb.Fatalf("handshake: %q", c.buf)
	}
	c.buf = nil
	return c
}

// masked is a client's frame with a mask of zeroes.
func masked(msg string) []byte {
	f := appendFrame(nil, opText, []byte(msg))
	head := len(f) - len(msg)
	out := append(append([]byte{}, f[:head]...), 0, 0, 0, 0)
	out[1] |= 0x80
	return append(out, msg...)
}

// frame reads one frame of at most 64 KiB, through r.
func frame(r *bufio.Reader, buf []byte) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:2]); err != nil {
		return nil, err
	}
	n := int(head[1])
	if n == 126 {
		if _, err := io.ReadFull(r, head[2:4]); err != nil {
			return nil, err
		}
		n = int(head[2])<<8 | int(head[3])
	}
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	_, err := io.ReadFull(r, buf[:n])
	return buf[:n], err
}

// BenchmarkAnnounceWS keeps one announce in flight on each of 500 connections
// in 50 torrents; clients run in the same process. With offers, every offer is
// answered, and an operation is one announce with all that it causes.
func BenchmarkAnnounceWS(b *testing.B) {
	for _, offers := range []int{0, 5} {
		b.Run(fmt.Sprintf("offers=%d", offers), func(b *testing.B) {
			s := open(b, func(o *Options) { o.Private, o.MaxSocketsPerIP = false, 1_000_000 })
			server := httptest.NewServer(s.Handler())
			defer server.Close()
			clients := make([]*plainClient, 500)
			for i := range clients {
				clients[i] = dialPlain(b, server.Listener.Addr().String())
			}
			var left, relayed atomic.Int64
			left.Store(int64(b.N))
			var wg sync.WaitGroup
			b.ResetTimer()
			for i, c := range clients {
				wg.Go(func() { benchClient(b, c, i, offers, &left, &relayed) })
			}
			// Clients go on answering until all have had their last reply.
			for wait := true; wait; {
				runtime.Gosched()
				wait = left.Load() > -int64(len(clients))
			}
			b.StopTimer()
			for _, c := range clients {
				_ = c.conn.Close()
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "announces/s")
			b.ReportMetric(float64(relayed.Load())/b.Elapsed().Seconds(), "relayed/s")
		})
	}
}

func benchClient(b *testing.B, c *plainClient, i, offers int, left, relayed *atomic.Int64) {
	b.Helper()
	torrent := fmt.Sprintf("%020d", i%50)
	sdp := strings.Repeat("v=0 a=candidate udp 2130706431 host ", 23)[:800]
	var list []any
	for k := range offers {
		list = append(list, object{"offer": object{"type": "offer", "sdp": sdp}, "offer_id": fmt.Sprintf("%010d%010d", i, k)})
	}
	more := object{"info_hash": torrent, "left": i % 5, "offers": list}
	announce := masked(jsonOf(b, joinAs(id(i), more)))
	r := bufio.NewReaderSize(c.conn, 4096)
	next := func() bool {
		if left.Add(-1) < 0 {
			return false
		}
		_, err := c.conn.Write(announce)
		return err == nil
	}
	next()
	var buf []byte
	for {
		m, err := frame(r, buf)
		if err != nil {
			return
		}
		buf = m
		switch {
		case bytes.Contains(m, []byte(`"offer":`)):
			relayed.Add(1)
			answer := fmt.Sprintf(`{"action":"announce","info_hash":%q,"peer_id":%q,"to_peer_id":%s,"offer_id":%s,"answer":{"type":"answer","sdp":%q}}`,
				torrent, id(i), member(m, `"peer_id":`), member(m, `"offer_id":`), sdp)
			if _, err := c.conn.Write(masked(answer)); err != nil {
				return
			}
		case bytes.Contains(m, []byte(`"answer":`)):
			relayed.Add(1)
		case bytes.Contains(m, []byte(`"interval":`)):
			next()
		default:
			b.Errorf("unexpected message %q", m)
			return
		}
	}
}

// member returns the string that follows a key, with its quotes.
func member(m []byte, key string) []byte {
	_, rest, _ := bytes.Cut(m, []byte(key))
	return rest[:22]
}

// BenchmarkIdleSocket reports the memory of a viewer that has announced once
// with five offers, without the kernel's buffers.
func BenchmarkIdleSocket(b *testing.B) {
	const viewers = 2000
	for b.Loop() {
		s := open(b, func(o *Options) { o.Private, o.MaxSocketsPerIP = false, viewers })
		server := httptest.NewServer(s.Handler())
		before := inUse()
		clients := make([]*plainClient, viewers)
		for i := range clients {
			clients[i] = dialPlain(b, server.Listener.Addr().String())
			msg := joinAs(id(i), object{"info_hash": fmt.Sprintf("%020d", i%20), "offers": offersOf(5)})
			if _, err := clients[i].conn.Write(masked(jsonOf(b, msg))); err != nil {
				b.Fatal(err)
			}
		}
		waitFor(b, "all viewers", func() bool { return s.swarms.Stats().Sockets == viewers })
		b.ReportMetric(float64(inUse()-before)/viewers, "B/viewer")
		for _, c := range clients {
			_ = c.conn.Close()
		}
		server.Close()
		waitFor(b, "all to leave", func() bool { return s.swarms.Stats().Sockets == 0 })
	}
}

func inUse() uint64 {
	runtime.GC()
	runtime.GC() // the first fills the pools' victims
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
