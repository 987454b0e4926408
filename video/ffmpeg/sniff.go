package ffmpeg

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// sniffLen is how much of a file decides its container. Four packets of a
// transport stream with time codes (4 x 192) fit in easily.
const sniffLen = 4096

// Container is a media container that may be examined further.
type Container struct {
	Name     string // "mp4", "matroska", …
	Ext      string // usual extension, with dot
	MIME     string
	Demuxers string // the only ffmpeg demuxers that may open it
}

// The allowed list (SEC-57). Everything else is refused, so no entry is needed
// for playlists, images, pages or archives.
var (
	mp4      = Container{"mp4", ".mp4", "video/mp4", "mov"}
	mov      = Container{"mov", ".mov", "video/quicktime", "mov"}
	matroska = Container{"matroska", ".mkv", "video/x-matroska", "matroska"}
	webm     = Container{"webm", ".webm", "video/webm", "matroska"}
	avi      = Container{"avi", ".avi", "video/x-msvideo", "avi"}
	flv      = Container{"flv", ".flv", "video/x-flv", "flv"}
	ogg      = Container{"ogg", ".ogv", "video/ogg", "ogg"}
	mpegts   = Container{"mpegts", ".ts", "video/mp2t", "mpegts"}
	mpegps   = Container{"mpeg", ".mpg", "video/mpeg", "mpeg"}
	asf      = Container{"asf", ".wmv", "video/x-ms-wmv", "asf"}
	mxf      = Container{"mxf", ".mxf", "application/mxf", "mxf"}
	wav      = Container{"wav", ".wav", "audio/wav", "wav"}
	flac     = Container{"flac", ".flac", "audio/flac", "flac"}
	mp3      = Container{"mp3", ".mp3", "audio/mpeg", "mp3,aac,flac"} // an ID3 tag also precedes AAC and FLAC
	aac      = Container{"aac", ".aac", "audio/aac", "aac"}
	ac3      = Container{"ac3", ".ac3", "audio/ac3", "ac3,eac3"}
)

// imageBrands are ISO base media files that hold pictures, not video.
var imageBrands = []string{
	"avif", "avis", "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "mif2", "msf1", "miaf", "jpeg", "crx ",
}

// magics are the containers that a fixed string at a fixed place decides.
var magics = []struct {
	offset int
	magic  string
	is     Container
}{
	{0, "FLV\x01", flv},
	{0, "OggS\x00", ogg},
	{0, "\x00\x00\x01\xba", mpegps},
	{0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", asf},
	{0, "\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02", mxf},
	{0, "fLaC", flac},
	{0, "ID3", mp3},
	{0, "\x0b\x77", ac3},
}

// SniffFile is Sniff on the beginning of the file at path.
func SniffFile(path string) (Container, error) {
	f, err := os.Open(path) //nolint:gosec // the path is one the server made
	if err != nil {
		return Container{}, err
	}
	defer f.Close() //nolint:errcheck // only read
	return Sniff(f)
}

// Sniff names the container by the first bytes of r. Names and extensions are
// never looked at. The error is ErrContainer for anything that is not in the
// allowed list, an empty file included, and that of r when reading fails.
func Sniff(r io.Reader) (Container, error) {
	head := make([]byte, sniffLen)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Container{}, fmt.Errorf("sniff: %w", err)
	}
	c, ok := sniff(head[:n])
	if !ok {
		return Container{}, ErrContainer
	}
	return c, nil
}

func sniff(b []byte) (Container, bool) {
	for _, m := range magics {
		if at(b, m.offset, m.magic) {
			return m.is, true
		}
	}
	switch {
	case at(b, 0, "\x1a\x45\xdf\xa3"):
		return sniffEBML(b)
	case at(b, 0, "RIFF"), at(b, 0, "RF64"):
		return sniffRIFF(b)
	case isTransportStream(b):
		return mpegts, true
	case isADTS(b):
		return aac, true
	case isMPEGAudio(b):
		return mp3, true
	}
	return sniffISO(b)
}

func at(b []byte, offset int, s string) bool {
	return len(b) >= offset+len(s) && string(b[offset:offset+len(s)]) == s
}

// sniffISO knows ISO base media and QuickTime files by their first box.
func sniffISO(b []byte) (Container, bool) {
	if len(b) < 12 {
		return Container{}, false
	}
	size := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	if size > 1 && size < 8 { // 0: to the end, 1: a 64-bit size follows
		return Container{}, false
	}
	switch string(b[4:8]) {
	case "ftyp":
		brand := string(b[8:12])
		if slices.Contains(imageBrands, brand) {
			return Container{}, false
		}
		if brand == "qt  " {
			return mov, true
		}
		return mp4, true
	case "moov", "mdat", "wide", "free", "skip", "pnot":
		return mov, true
	}
	return Container{}, false
}

// sniffEBML tells WebM from Matroska by the DocType near the beginning.
func sniffEBML(b []byte) (Container, bool) {
	head := b[:min(len(b), 128)]
	switch {
	case bytes.Contains(head, []byte("\x42\x82\x84webm")):
		return webm, true
	case bytes.Contains(head, []byte("\x42\x82\x88matroska")):
		return matroska, true
	}
	return Container{}, false
}

func sniffRIFF(b []byte) (Container, bool) {
	switch {
	case at(b, 8, "AVI "):
		return avi, true
	case at(b, 8, "WAVE"):
		return wav, true
	}
	return Container{}, false // WebP among others
}

// isTransportStream wants the sync byte of at least three packets in a row,
// plain (188 bytes) or with time codes as camcorders write (192).
func isTransportStream(b []byte) bool {
	for _, f := range []struct{ first, step int }{{0, 188}, {4, 192}} {
		n := 0
		for i := f.first; i < len(b) && b[i] == 0x47; i += f.step {
			n++
		}
		if n >= 3 {
			return true
		}
	}
	return false
}

// isADTS: sync word, layer 0, a valid sampling rate index.
func isADTS(b []byte) bool {
	return len(b) >= 7 && b[0] == 0xff && b[1]&0xf6 == 0xf0 && b[2]>>2&0x0f < 13
}

// isMPEGAudio: sync word and no reserved value of version, layer, bit rate or
// sampling rate.
func isMPEGAudio(b []byte) bool {
	return len(b) >= 4 && b[0] == 0xff && b[1]&0xe0 == 0xe0 &&
		b[1]>>3&3 != 1 && b[1]>>1&3 != 0 && b[2]>>4 != 0x0f && b[2]>>4 != 0 && b[2]>>2&3 != 3
}
