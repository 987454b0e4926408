package catalog_test

import (
	"bytes"
	"mime/multipart"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

func TestUpdatePictures(t *testing.T) {
	w := catalogtest.New(t, dbtest.SQLite(t))
	alice, bob := w.User("alice", rest.RoleUser), w.User("bob", rest.RoleUser)
	v := w.Video(alice, "Pictured")
	w.WithFiles(v)
	w.TakeJobs()
	send := func(who *catalogtest.User, file []byte, fields ...string) catalogtest.Answer {
		var b bytes.Buffer
		f := multipart.NewWriter(&b)
		for i := 0; i+1 < len(fields); i += 2 {
			if err := f.WriteField(fields[i], fields[i+1]); err != nil {
				t.Fatal(err)
			}
		}
		p, err := f.CreateFormFile("thumbnailfile", "../../evil.php")
		if err == nil {
			_, err = p.Write(file)
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return w.Do(who, "PUT", "/api/v1/videos/"+v.UUID, &b, "Content-Type", f.FormDataContentType())
	}
	for name, c := range map[string]struct {
		who  *catalogtest.User
		file []byte
		want int
	}{
		"someone else": {bob, catalogtest.PNG(t, 20, 20), 403},
		"no picture":   {alice, []byte("GIF89a but not really"), 400},
	} {
		if a := send(c.who, c.file); a.Status != c.want {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
		if keys := w.Files.Keys(); len(keys) != 0 {
			t.Errorf("%s stored %v", name, keys)
		}
	}
	if a := send(alice, catalogtest.PNG(t, 20, 20), "name", "x"); a.Status != 400 { // pictures are fine, the name is not
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if jobs := w.TakeJobs(); len(jobs) != 1 || strings.Count(jobs[0].Args, ".jpg") != 2 {
		t.Errorf("what was stored in vain is not deleted: %v", jobs)
	}
	if a := send(alice, catalogtest.PNG(t, 20, 20), "name", "New picture", "tags[0]", "aa", "tags[1]", "bb", "category", "null"); a.Status != 204 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	body := w.Do(nil, "GET", "/api/v1/videos/"+v.UUID, nil).JSON(t)
	for _, k := range []string{"thumbnailPath", "previewPath"} {
		key := strings.TrimPrefix(body[k].(string), "/lazy-static/")
		if len(w.Files.Get(key)) == 0 || strings.Contains(key, "evil") {
			t.Errorf("%s: %s is not stored", k, key)
		}
	}
	if body["name"] != "New picture" || len(body["tags"].([]any)) != 2 {
		t.Errorf("fields of the form: %v %v", body["name"], body["tags"])
	}
	var dropped int
	for _, j := range w.TakeJobs() {
		dropped += strings.Count(j.Args, v.UUID+"-t.jpg") + strings.Count(j.Args, v.UUID+"-p.jpg")
	}
	if dropped != 2 {
		t.Errorf("%d of 2 former pictures are deleted", dropped)
	}
}
