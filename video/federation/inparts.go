package federation

import (
	"slices"
	"strconv"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/label"
)

// Limits of what is taken from a document.
const (
	maxCaptions   = 100
	maxBoard      = 10_000 // pixels, each side
	maxTile       = 1_000
	maxTileLength = 24 * 3600
	maxDVR        = 30 * 24 * 3600
)

// parseLive reads what lives say. Everything falls back to a sensible value
// (PT federation 4); schedules are left to the origin's page.
func parseLive(o vocab.Object, in *incoming) {
	v := &in.Video
	v.LatencyMode = 1
	if !v.IsLive {
		return
	}
	v.LiveSaveReplay, _ = o.Bool("liveSaveReplay")
	v.PermanentLive, _ = o.Bool("permanentLive")
	if n, ok := o.Int("latencyMode"); ok && n >= 1 && n <= 3 {
		v.LatencyMode = int(n)
	}
	if n, ok := parseSeconds(o.String("dvrWindow")); ok && n <= maxDVR {
		v.DVRWindow = n
	}
}

// parseSeconds reads the durations that PeerTube writes: PT…S.
func parseSeconds(s string) (int, bool) {
	d := duration.FindStringSubmatch(s)
	if d == nil {
		return 0, false
	}
	n, err := strconv.Atoi(d[1])
	return n, err == nil
}

// parseCaptions reads subtitleLanguage. The address is a string or a Link in
// 6.3, a list of Links since; one that cannot be fetched as WebVTT is left out.
func parseCaptions(o vocab.Object, in *incoming) {
	for _, e := range o.Objects("subtitleLanguage") {
		code := e.String("identifier")
		seen := slices.ContainsFunc(in.Captions, func(c catalog.Caption) bool { return c.Language == code })
		if label.Language(code) == label.Unknown || seen || len(in.Captions) == maxCaptions {
			continue
		}
		address := ""
		if s := e.String("url"); iri.Valid(s) {
			address = s
		}
		for _, l := range e.Objects("url") {
			if l.String("mediaType") == "text/vtt" && iri.Valid(l.String("href")) {
				address = l.String("href")
			}
		}
		if address == "" {
			continue
		}
		generated, _ := e.Bool("automaticallyGenerated")
		in.Captions = append(in.Captions, catalog.Caption{Language: code, RemoteURL: address, Generated: generated})
	}
}

// parseStoryboard reads the storyboard among the previews: a whole number of
// pictures a line.
func parseStoryboard(o vocab.Object, in *incoming) {
	for _, p := range o.Objects("preview") {
		if !p.Is("Image") || !slices.Contains(p.Strings("rel"), "storyboard") {
			continue
		}
		for _, u := range p.Objects("url") {
			if b := readBoard(u); b != nil {
				in.Storyboard = b
				return
			}
		}
	}
}

func readBoard(u vocab.Object) *catalog.Storyboard {
	size := func(key string, most int) int {
		n, ok := u.Int(key)
		if !ok || n < 1 || n > int64(most) {
			return 0
		}
		return int(n)
	}
	b := &catalog.Storyboard{
		RemoteURL: u.String("href"), TotalWidth: size("width", maxBoard), TotalHeight: size("height", maxBoard),
		SpriteWidth: size("tileWidth", maxTile), SpriteHeight: size("tileHeight", maxTile),
	}
	n, ok := parseSeconds(u.String("tileDuration"))
	b.SpriteDuration = n
	switch {
	case !iri.Valid(b.RemoteURL) || !imageTypes[u.String("mediaType")] || !ok || n < 1 || n > maxTileLength,
		b.SpriteWidth == 0 || b.SpriteHeight == 0 || b.TotalWidth < b.SpriteWidth || b.TotalHeight < b.SpriteHeight:
		return nil
	}
	return b
}
