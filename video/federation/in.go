package federation

import (
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/microcosm-cc/bluemonday"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/label"
	"github.com/kinemesh/kinemesh/video/torrent"
)

// Limits of what is taken from a document; more is cut (SEC-36).
const (
	minName, maxName = 3, 120
	minContent       = 3
	maxContent       = 10_000
	maxSupport       = 1_000
	maxSummary       = 250
	minTag, maxTag   = 2, 30
	maxTags          = 50
	maxLinks         = 400
	maxFiles         = 60
	maxTrackers      = 10
	maxInfohashes    = 60
	maxOwners        = 5
	maxMagnet        = 8_000
	maxDuration      = 1 << 31
)

// incoming is a document that passed all checks which need no network.
type incoming struct {
	catalog.Remote
	owners []string // to whom it is attributed, Groups first, all on the video's host
}

// reject says why a document is not taken.
func reject(format string, args ...any) error {
	return fmt.Errorf("%w: video "+format, append([]any{vocab.ErrInvalid}, args...)...)
}

// parse reads a Video document: what makes PeerTube reject it is rejected, what
// PeerTube repairs is repaired (PT federation 4 Video). Nothing in it is
// believed about anyone but its own host (SEC-12).
func parse(o vocab.Object) (*incoming, error) {
	in := &incoming{}
	for _, step := range []func(vocab.Object, *incoming) error{
		parseIdentity, parseNumbers, parseDates, parseText, parseOwners, parseIcons,
	} {
		if err := step(o, in); err != nil {
			return nil, err
		}
	}
	repair(o, in)
	parseLive(o, in)
	parseCaptions(o, in)
	parseStoryboard(o, in)
	l := links{in: in}
	l.read(o)
	return in, nil
}

func parseIdentity(o vocab.Object, in *incoming) error {
	v := &in.Video
	v.IRI = o.ID()
	switch {
	case !o.Is("Video"):
		return reject("of type %q", o.Type())
	case v.IRI == "":
		return reject("without a valid id")
	case !isArray(o, "url"):
		return reject("whose url is no list")
	case o.Has("subtitleLanguage") && !isArray(o, "subtitleLanguage"):
		return reject("whose subtitleLanguage is no list")
	case o.Has("preview") && !isArray(o, "preview"):
		return reject("whose preview is no list")
	}
	for _, key := range []string{"likes", "dislikes", "shares", "comments", "hasParts"} { // SEC-12
		if id := o.IRI(key); id != "" && !iri.SameHost(v.IRI, id) {
			return reject("whose %s are on another host", key)
		}
	}
	v.PartsURL, v.SharesURL = o.IRI("hasParts"), o.IRI("shares")
	id, err := uuid.Parse(o.String("uuid"))
	if err != nil || len(o.String("uuid")) != 36 {
		return reject("with uuid %.40q", o.String("uuid"))
	}
	v.UUID = id.String()
	return nil
}

func isArray(o vocab.Object, key string) bool {
	return strings.HasPrefix(strings.TrimLeft(string(o.Field(key)), " \t\r\n"), "[")
}

var duration = regexp.MustCompile(`^PT(\d{1,10})(?:\.\d{1,6})?S$`)

func parseNumbers(o vocab.Object, in *incoming) error {
	v := &in.Video
	d := duration.FindStringSubmatch(o.String("duration"))
	if d == nil {
		return reject("with duration %.40q", o.String("duration"))
	}
	seconds, err := strconv.Atoi(d[1])
	if err != nil || seconds >= maxDuration {
		return reject("with duration %.40q", o.String("duration"))
	}
	v.Duration = seconds
	views, ok := o.Int("views")
	if !ok || views < 0 {
		return reject("with views %.40s", o.Field("views"))
	}
	v.Views = views
	if n, ok := o.Int("downloads"); ok && n >= 0 {
		v.Downloads = n
	}
	if c, ok := o.Object("category"); ok {
		n, ok := identifierNumber(c)
		if !ok || n < 0 {
			return reject("with category %.40s", c.Field("identifier"))
		}
		if label.Category(n) != label.Unknown {
			v.Category = &n
		}
	}
	if l, ok := o.Object("language"); ok {
		code := l.String("identifier")
		if code == "" {
			return reject("with language %.40s", l.Field("identifier"))
		}
		if label.Language(code) != label.Unknown {
			v.Language = &code
		}
	}
	return nil
}

// identifierNumber reads an identifier, which PeerTube sends as a string.
func identifierNumber(o vocab.Object) (int, bool) {
	if n, ok := o.Int("identifier"); ok {
		return int(n), true
	}
	n, err := strconv.Atoi(o.String("identifier"))
	return n, err == nil
}

func parseDates(o vocab.Object, in *incoming) error {
	v := &in.Video
	var ok bool
	if v.PublishedAt, ok = o.Time("published"); !ok {
		return reject("with published %.40s", o.Field("published"))
	}
	if v.UpdatedAt, ok = o.Time("updated"); !ok {
		return reject("with updated %.40s", o.Field("updated"))
	}
	for _, key := range []string{"originallyPublishedAt", "uploadDate"} {
		t, ok := o.Time(key)
		if o.Has(key) && !ok {
			return reject("with %s %.40s", key, o.Field(key))
		}
		switch {
		case !ok:
		case key == "originallyPublishedAt":
			v.OriginallyPublishedAt = &t
		default:
			v.UploadedAt = &t
		}
	}
	return nil
}

// stripTags makes text of a description that is HTML.
var stripTags = bluemonday.StrictPolicy()

func parseText(o vocab.Object, in *incoming) error {
	v := &in.Video
	name := o.String("name")
	v.Name = input.Line(name) // SEC-38
	for _, n := range []int{utf8.RuneCountInString(name), utf8.RuneCountInString(v.Name)} {
		if n < minName || n > maxName {
			return reject("with a name of %d characters", n)
		}
	}
	if o.Has("content") {
		content := o.String("content")
		switch o.String("mediaType") {
		case "text/markdown":
		case "text/html":
			content = html.UnescapeString(stripTags.Sanitize(content)) // SEC-37
		default:
			return reject("whose content is %.40q", o.String("mediaType"))
		}
		if utf8.RuneCountInString(o.String("content")) < minContent {
			return reject("with too short a content")
		}
		v.Description = clip(input.Text(content), maxContent)
	}
	v.Support = clip(input.Text(o.String("support")), maxSupport)
	if sensitive, _ := o.Bool("sensitive"); sensitive { // else it is a description, see summary
		v.NSFWSummary = clip(input.Text(o.String("summary")), maxSummary)
	}
	for _, key := range []string{"audience", "embedUrl"} {
		if o.Has(key) && o.IRI(key) == "" {
			return reject("with a bad %s", key)
		}
	}
	return nil
}

// clip cuts s to n characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// parseOwners reads attributedTo: URLs, and objects that say whether they are a
// Group or a Person. The channel and its owner must be where the video is.
func parseOwners(o vocab.Object, in *incoming) error {
	var groups, others []string
	seen := 0
	for _, e := range o.Objects("attributedTo") {
		id := e.ID()
		if id == "" || (!e.Is("Group") && !e.Is("Person")) {
			continue
		}
		if seen++; !iri.SameHost(in.Video.IRI, id) { // SEC-12
			return reject("of %s, on another host", id)
		}
		if e.Is("Group") {
			groups = append(groups, id)
		}
	}
	for _, id := range o.Strings("attributedTo") {
		if !iri.Valid(id) {
			continue
		}
		if seen++; !iri.SameHost(in.Video.IRI, id) { // SEC-12
			return reject("of %s, on another host", id)
		}
		others = append(others, id)
	}
	in.owners = append(groups, others...)
	if len(in.owners) > maxOwners {
		in.owners = in.owners[:maxOwners]
	}
	if seen == 0 || len(in.owners) == 0 {
		return reject("attributed to no channel")
	}
	return nil
}

// imageTypes are the pictures that are taken.
var imageTypes = map[string]bool{"image/jpeg": true, "image/jpg": true, "image/png": true, "image/webp": true}

func parseIcons(o vocab.Object, in *incoming) error {
	type icon struct {
		url           string
		width, height int64
	}
	var small, large *icon
	for _, e := range o.Objects("icon") {
		w, okW := e.Int("width")
		h, okH := e.Int("height")
		i := icon{e.String("url"), w, h}
		if !e.Is("Image") || !iri.Valid(i.url) || !imageTypes[e.String("mediaType")] || !okW || !okH || w < 0 || h < 0 {
			continue
		}
		if small == nil || i.width < small.width {
			small = &i
		}
		if large == nil || i.width > large.width {
			large = &i
		}
	}
	if small == nil {
		return reject("without a picture")
	}
	add := func(kind int, from *icon, width, height int) {
		in.Thumbnails = append(in.Thumbnails, catalog.Thumbnail{
			Type: kind, RemoteURL: from.url, Width: width, Height: height,
		})
	}
	add(catalog.Miniature, small, catalog.MiniatureWidth, catalog.MiniatureHeight)
	add(catalog.Preview, large, catalog.PreviewWidth, catalog.PreviewHeight)
	return nil
}

// repair reads what falls back to a sensible value when it is missing or wrong.
func repair(o vocab.Object, in *incoming) {
	v := &in.Video
	v.Privacy = catalog.Unlisted // PT federation 3: derived from the audience
	if o.IsPublic() {
		v.Privacy = catalog.Public
	}
	v.State = catalog.Published
	if n, ok := o.Int("state"); ok && catalog.State(n).Label() != label.Unknown {
		v.State = catalog.State(n)
	}
	v.NSFW, _ = o.Bool("sensitive")
	v.WaitTranscoding, _ = o.Bool("waitTranscoding")
	v.IsLive, _ = o.Bool("isLiveBroadcast")
	v.DownloadEnabled = true
	if b, ok := o.Bool("downloadEnabled"); ok {
		v.DownloadEnabled = b
	}
	v.CommentsPolicy = catalog.CommentsDisabled
	if on, ok := o.Bool("commentsEnabled"); ok && on { // before 6.2
		v.CommentsPolicy = catalog.CommentsEnabled
	}
	if n, ok := o.Int("commentsPolicy"); ok && catalog.CommentsPolicy(n).Label() != label.Unknown {
		v.CommentsPolicy = catalog.CommentsPolicy(n)
	}
	if l, ok := o.Object("licence"); ok {
		id := l.String("identifier")
		if n, ok := l.Int("identifier"); ok {
			id = strconv.FormatInt(n, 10)
		}
		if n := label.LicenceByName(id); n != 0 {
			v.Licence = &n
		}
	}
	if r, ok := o.Float("aspectRatio"); ok && r > 0 && r < 100 {
		v.AspectRatio = r
	}
	for _, t := range o.Objects("tag") {
		name := input.Line(t.String("name"))
		if n := utf8.RuneCountInString(name); t.Is("Hashtag") && n >= minTag && n <= maxTag && len(in.Tags) < maxTags && !hasFold(in.Tags, name) {
			in.Tags = append(in.Tags, name)
		}
		if t.Is("SensitiveTag") {
			v.NSFWFlags |= map[string]int{"violent": 1, "explicitSex": 2}[name]
		}
	}
}

func hasFold(list []string, s string) bool {
	for _, l := range list {
		if catalog.FoldTag(l) == catalog.FoldTag(s) {
			return true
		}
	}
	return false
}

// videoTypes are the files that are taken, with their extension.
var videoTypes = map[string]string{"video/mp4": ".mp4", "video/webm": ".webm", "video/ogg": ".ogv", "audio/mp4": ".mp4"}

const (
	typeTorrent = "application/x-bittorrent"
	typeMagnet  = "application/x-bittorrent;x-scheme-handler/magnet"
	typeHLS     = "application/x-mpegURL"
)

// links reads the url list of a document. A link that is not understood is left
// out.
type links struct{ in *incoming }

func (l *links) read(o vocab.Object) {
	all := o.Objects("url")
	if len(all) > maxLinks {
		all = all[:maxLinks]
	}
	l.in.Files = readFiles(all)
	for _, e := range all {
		rel := e.Strings("rel")
		switch {
		case e.String("mediaType") == typeHLS && l.in.Playlist == nil && iri.Valid(e.String("href")) && isArray(e, "tag"):
			l.playlist(e)
		case slices.Contains(rel, "tracker") && (slices.Contains(rel, "http") || slices.Contains(rel, "websocket")):
			if href := e.String("href"); validTracker(href) && len(l.in.Trackers) < maxTrackers {
				l.in.Trackers = append(l.in.Trackers, href)
			}
		}
	}
}

func (l *links) playlist(e vocab.Object) {
	p := &catalog.StreamingPlaylist{URL: e.String("href")}
	tags := e.Objects("tag")
	if len(tags) > maxLinks {
		tags = tags[:maxLinks]
	}
	for _, t := range tags {
		switch {
		case t.Is("Infohash"):
			if h := infohash(t.String("name")); h != "" && len(l.in.Infohashes) < maxInfohashes {
				l.in.Infohashes = append(l.in.Infohashes, h)
			}
		case t.Is("Link") && t.String("name") == "sha256" && t.String("mediaType") == "application/json" && iri.Valid(t.String("href")):
			p.SegmentsURL = t.String("href")
		}
	}
	l.in.Playlist, l.in.HLS = p, readFiles(tags)
}

// infohash reads 20 bytes as 40 hex digits, as 32 base32 signs, or as
// themselves.
func infohash(s string) string {
	switch len(s) {
	case 40:
		if b, err := hex.DecodeString(s); err == nil {
			return hex.EncodeToString(b)
		}
	case 32:
		if b, err := base32.StdEncoding.DecodeString(strings.ToUpper(s)); err == nil {
			return hex.EncodeToString(b)
		}
	case 20:
		if utf8.ValidString(s) {
			return hex.EncodeToString([]byte(s))
		}
	}
	return ""
}

// linkKey is what the links of one file have in common.
type linkKey struct{ height, fps int64 }

func keyOf(e vocab.Object) (linkKey, bool) {
	h, ok := e.Int("height")
	if !ok || h < 0 || h > 1<<16 {
		return linkKey{}, false
	}
	fps, ok := e.Int("fps")
	if !ok || fps < -1 || fps > 1<<16 {
		fps = -1
	}
	return linkKey{h, fps}, true
}

// readFiles joins the links of each file: video, metadata, torrent, magnet. A
// file without a magnet stays, without a torrent.
func readFiles(all []vocab.Object) []catalog.File {
	var files []catalog.File
	at := map[linkKey]int{}
	for _, e := range all {
		f, key, ok := readFile(e)
		if _, twice := at[key]; !ok || twice || len(files) == maxFiles {
			continue
		}
		at[key] = len(files)
		files = append(files, f)
	}
	for _, e := range all {
		key, ok := keyOf(e)
		if !ok {
			continue
		}
		i, ok := at[key]
		if !ok {
			continue
		}
		f, href := &files[i], e.String("href")
		switch kind := e.String("mediaType"); {
		case kind == typeTorrent && iri.Valid(href):
			f.TorrentURL = href
		case kind == typeMagnet:
			if m, err := torrent.ParseMagnet(href); err == nil && len(href) <= maxMagnet {
				f.Magnet, f.InfoHash = href, m.InfoHash
			}
		case kind == "application/json" && slices.Contains(e.Strings("rel"), "metadata") && iri.Valid(href):
			f.MetadataURL = href
		}
	}
	for i := range files {
		if files[i].InfoHash == "" {
			files[i].TorrentURL = ""
		}
	}
	return files
}

func readFile(e vocab.Object) (catalog.File, linkKey, bool) {
	ext, known := videoTypes[e.String("mediaType")]
	key, ok := keyOf(e)
	size, okSize := e.Int("size")
	if !known || !ok || !okSize || size < 0 || !iri.Valid(e.String("href")) {
		return catalog.File{}, key, false
	}
	if fps, given := e.Int("fps"); given && fps < -1 {
		return catalog.File{}, key, false
	}
	width, _ := e.Int("width")
	if width < 0 || width > 1<<16 {
		width = 0
	}
	f := catalog.File{
		Resolution: int(key.height), Width: int(width), Height: int(key.height), FPS: int(key.fps), Size: size, Extname: ext,
		URL: e.String("href"), HasAudio: true, HasVideo: key.height > 0,
	}
	if width > 0 && width < key.height { // portrait: the shorter side counts
		f.Resolution = int(width)
	}
	var codecs []string
	for _, a := range e.Objects("attachment") {
		if a.Is("PropertyValue") && a.String("name") == "ffprobe_codec_type" {
			codecs = append(codecs, a.String("value"))
		}
	}
	if len(codecs) > 0 {
		f.HasAudio, f.HasVideo = slices.Contains(codecs, "audio"), slices.Contains(codecs, "video")
	}
	return f, key, true
}

func validTracker(s string) bool {
	u, err := url.Parse(s)
	if err != nil || len(s) > iri.MaxLength {
		return false
	}
	switch u.Scheme {
	case "ws", "wss":
		return iri.Valid("http" + strings.TrimPrefix(s, "ws"))
	case "http", "https":
		return iri.Valid(s)
	}
	return false
}
