package upload

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/form"
	"github.com/kinemesh/kinemesh/web/rest"
)

// maxParts bounds the parts of a form (SEC-63).
const maxParts = 50

// maxFilename is how much of a user's file name is kept, in characters.
const maxFilename = 255

// The file fields of a form.
const (
	videoField     = "videofile"
	thumbnailField = "thumbnailfile"
	previewField   = "previewfile"
)

// multi is a multipart body without its video.
type multi struct {
	fields   url.Values
	pictures map[string][]byte
}

// metered reads at most left bytes, those of the video file not counted.
type metered struct {
	r    io.Reader
	left int64
	free bool // the video file is being read
}

func (m *metered) Read(p []byte) (int, error) {
	if m.free {
		return m.r.Read(p)
	}
	if m.left <= 0 {
		return 0, &http.MaxBytesError{Limit: maxMeta}
	}
	n, err := m.r.Read(p[:min(int64(len(p)), m.left)])
	m.left -= int64(n)
	return n, err
}

// readForm reads a multipart body from src. The part with the video is handed
// to video as it comes; nil refuses one.
func readForm(r *http.Request, src io.Reader, video func(*multipart.Part) error) (*multi, error) {
	m := &metered{r: src, left: maxMeta}
	r.Body = struct {
		io.Reader
		io.Closer
	}{m, r.Body}
	reader, err := r.MultipartReader()
	if err != nil {
		return nil, rest.BadRequest("The body should be a multipart form")
	}
	f := &multi{fields: url.Values{}, pictures: map[string][]byte{}}
	for n := 0; ; n++ {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err != nil {
			return nil, brokenForm(err)
		}
		if n == maxParts {
			return nil, &rest.Problem{Status: http.StatusRequestEntityTooLarge, Detail: "The form has too many parts"}
		}
		if err := f.take(m, part, video); err != nil {
			return nil, err
		}
	}
}

func (f *multi) take(m *metered, part *multipart.Part, video func(*multipart.Part) error) error {
	name := part.FormName()
	if name == videoField {
		if video == nil {
			return rest.Invalid("body", videoField, "Should be sent in chunks afterwards", nil)
		}
		m.free = true
		err := video(part)
		m.free = false
		return err
	}
	data, err := io.ReadAll(part)
	if err != nil {
		return brokenForm(err)
	}
	switch {
	case name == thumbnailField, name == previewField:
		f.pictures[name] = data
	case part.FileName() == "" && name != "":
		f.fields.Add(name, string(data))
	}
	return nil
}

func brokenForm(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	return rest.BadRequest("The form cannot be read to its end")
}

// check reads the fields of a new video and permits its channel. Filename is
// empty where the input has none.
func (u *Upload) check(ctx context.Context, p *rest.Principal, in form.Input) (*details, error) {
	d := &details{Attributes: u.defaults()}
	var check rest.Checker
	id, ok := in.Int(&check, "channelId")
	if !ok {
		var given any
		if v := in["channelId"]; len(v) > 0 {
			given = v[0]
		}
		check.Refuse("body", "channelId", "Should be the id of a channel", given)
	}
	if err := d.Attributes.Apply(in); err != nil {
		refused, ok := errors.AsType[*rest.Problem](err)
		if !ok {
			return nil, err
		}
		for name, x := range refused.Invalid {
			check.Refuse(x.Location, name, x.Msg, x.Value)
		}
	}
	if err := check.Err(); err != nil {
		return nil, err
	}
	if v := in["filename"]; len(v) > 0 {
		d.Filename = cleanFilename(v[0])
	}
	d.ChannelID = id
	ch, err := u.o.Channels.ChannelByID(ctx, id)
	switch {
	case errors.Is(err, db.ErrNotFound): // PT answers 400
		return nil, rest.Invalid("body", "channelId", `Unknown video "video channel" for this instance.`, id)
	case err != nil:
		return nil, err
	case !ch.OwnedBy(p.UserID): // SEC-44
		return nil, rest.Forbidden("This channel belongs to someone else")
	}
	return d, nil
}

// defaults are the attributes of a video about which nothing was said.
func (u *Upload) defaults() catalog.Attributes {
	a := catalog.NewAttributes()
	given := u.o.Defaults()
	a.DownloadEnabled = given.DownloadEnabled
	if p := given.CommentsPolicy; p > 0 {
		a.CommentsPolicy = catalog.CommentsPolicy(p)
	}
	if l := given.Licence; l > 0 {
		a.Licence = &l
	}
	return a
}

// cleanFilename is the name of a user's file as it is shown: never a path
// (SEC-56), in one line.
func cleanFilename(s string) string {
	s = input.Line(s[strings.LastIndexAny(s, `/\`)+1:])
	if utf8.RuneCountInString(s) > maxFilename { // keep the extension
		r := []rune(s)
		s = string(r[len(r)-maxFilename:])
	}
	return s
}
