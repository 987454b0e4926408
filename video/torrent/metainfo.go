package torrent

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // BEP 3 names pieces and torrents by SHA-1
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anacrolix/torrent/bencode"
	"github.com/anacrolix/torrent/metainfo"
)

const (
	minPiece = 16 << 10
	maxPiece = 4 << 20
	// createdBy stands in every torrent that we make.
	createdBy = "Kinemesh"
	// maxName bounds the file name inside, which clients write to a disk.
	maxName = 200
)

// ErrInvalid means that a torrent cannot be made of these fields.
var ErrInvalid = errors.New("invalid torrent")

// PieceLength is the piece length of a file of that size: about as many pieces
// as a piece has KiB, a power of two of 16 KiB to 4 MiB.
func PieceLength(size int64) int64 {
	if size <= minPiece {
		return minPiece
	}
	exp := math.Floor(math.Log2(float64(size)/1024) + 0.5)
	return min(maxPiece, max(minPiece, int64(1)<<int(exp)))
}

// Hasher hashes the pieces of what is written to it. It is not safe for
// concurrent use.
type Hasher struct {
	piece  int64
	hash   hash.Hash
	in     int64 // bytes of the piece that is open
	size   int64
	pieces []byte
}

// NewHasher returns a hasher for a file whose size is known, or expected: the
// size only decides the piece length.
func NewHasher(size int64) *Hasher {
	return &Hasher{piece: PieceLength(size), hash: sha1.New()} //nolint:gosec // BEP 3
}

// Write never fails.
func (h *Hasher) Write(p []byte) (int, error) {
	n := len(p)
	h.size += int64(n)
	for len(p) > 0 {
		part := p[:min(int64(len(p)), h.piece-h.in)]
		h.hash.Write(part)
		h.in += int64(len(part))
		p = p[len(part):]
		if h.in == h.piece {
			h.close()
		}
	}
	return n, nil
}

func (h *Hasher) close() {
	h.pieces = h.hash.Sum(h.pieces)
	h.hash.Reset()
	h.in = 0
}

// Finish closes the last piece and returns what [Metainfo] needs to know of the
// file. Nothing may be written afterwards.
func (h *Hasher) Finish() Pieces {
	if h.in > 0 {
		h.close()
	}
	return Pieces{Length: h.size, PieceLength: h.piece, Hashes: h.pieces}
}

// Pieces are the hashes of a file.
type Pieces struct {
	Length      int64
	PieceLength int64
	Hashes      []byte // 20 bytes each
}

// valid tells whether the hashes are as many as the file has pieces.
func (p Pieces) valid() bool {
	return p.Length > 0 && p.PieceLength > 0 && int64(len(p.Hashes)) == (p.Length+p.PieceLength-1)/p.PieceLength*sha1.Size
}

// Metainfo is a .torrent of one file.
type Metainfo struct {
	Pieces
	Name     string    // of the file inside, see [InfoName]
	Trackers []string  // one tier each, in this order (BEP 12)
	WebSeeds []string  // addresses of the file itself (BEP 19); none when it is private
	Created  time.Time // to the second; zero leaves it out
}

// Marshal writes the .torrent and its info hash, 40 hex digits.
func (m Metainfo) Marshal() (data []byte, infoHash string, err error) {
	if !m.valid() {
		return nil, "", fmt.Errorf("%w: %d bytes of hashes for %d bytes in pieces of %d", ErrInvalid, len(m.Hashes), m.Length, m.PieceLength)
	}
	if m.Name == "" || m.Name != cleanName(m.Name) {
		return nil, "", fmt.Errorf("%w: name %q", ErrInvalid, m.Name)
	}
	info, err := bencode.Marshal(metainfo.Info{Name: m.Name, Length: m.Length, PieceLength: m.PieceLength, Pieces: m.Hashes})
	if err != nil {
		return nil, "", fmt.Errorf("torrent info: %w", err)
	}
	mi := metainfo.MetaInfo{InfoBytes: info, CreatedBy: createdBy, Encoding: "UTF-8", UrlList: m.WebSeeds}
	if !m.Created.IsZero() {
		mi.CreationDate = m.Created.Unix()
	}
	for i, t := range m.Trackers {
		if i == 0 {
			mi.Announce = t
		}
		mi.AnnounceList = append(mi.AnnounceList, []string{t})
	}
	var b bytes.Buffer
	if err := mi.Write(&b); err != nil {
		return nil, "", fmt.Errorf("torrent: %w", err)
	}
	sum := sha1.Sum(info) //nolint:gosec // BEP 3
	return b.Bytes(), hex.EncodeToString(sum[:]), nil
}

// InfoName is the name of the file inside: "NAME 720p.mp4". What file systems
// do not allow in it becomes a dash, and a very long name is cut.
func InfoName(video string, resolution int, ext string) string {
	suffix := fmt.Sprintf(" %dp%s", resolution, ext)
	name := cleanName(video)
	if name == "" {
		name = "video"
	}
	for len(name)+len(suffix) > maxName {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return strings.TrimSpace(name) + suffix
}

// cleanName replaces what some file system refuses or reads as a path.
func cleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`/\?%*:|"<>`, r) {
			return '-'
		}
		return r
	}, strings.ToValidUTF8(name, "-"))
	return strings.TrimRight(strings.TrimLeft(name, ". "), " ")
}

// ReadPieces takes the hashes out of a .torrent that [Metainfo.Marshal] wrote.
func ReadPieces(r io.Reader) (Pieces, error) {
	mi, err := metainfo.Load(r)
	if err != nil {
		return Pieces{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	info, err := mi.UnmarshalInfo()
	if err != nil {
		return Pieces{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	p := Pieces{Length: info.Length, PieceLength: info.PieceLength, Hashes: info.Pieces}
	if !p.valid() {
		return Pieces{}, fmt.Errorf("%w: %d bytes of hashes for %d bytes", ErrInvalid, len(p.Hashes), p.Length)
	}
	return p, nil
}
