package web_test

import (
	"context"
	"testing"

	"github.com/kinemesh/kinemesh/web/rest"
)

// TestResume: the player begins where a signed-in viewer stopped, unless that was
// at the end, the address names another place, or the viewer wants no history.
func TestResume(t *testing.T) {
	x := newTube(t)
	v := x.video("Tide")
	fan, token := x.User("fan", rest.RoleUser)
	at := 0
	x.catalog.WatchedAt = func(_ context.Context, userID int64, ids []int64) (map[int64]int, error) {
		if userID != fan.ID || len(ids) != 1 || ids[0] != v.ID {
			return nil, nil
		}
		return map[int64]int{v.ID: at}, nil
	}
	session, other := x.signIn("fan"), x.signIn("mara")
	path := "/w/" + v.ShortUUID()
	begins, anew := []string{` start="12"`, `.mp4#t=12"`, `.m3u8#t=12"`}, []string{` start="`, "#t="}
	at = 12
	wants(t, x.get(path, session), 200, begins...)
	lacks(t, x.get(path, session), `m3u8#t=12" video=`) // the script reads the attribute
	lacks(t, x.get(path, ""), anew...)
	lacks(t, x.get(path, other), anew...)
	lacks(t, x.get(path+"?start=3", session), anew...)
	for _, end := range []int{0, 82, 83, 90} {
		at = end
		lacks(t, x.get(path, session), anew...)
	}
	at = 81
	wants(t, x.get(path, session), 200, ` start="81"`)
	if a := x.Do("PUT", "/api/v1/users/me", token, map[string]any{"videosHistoryEnabled": false}); a.Code != 204 {
		t.Fatalf("%d %s", a.Code, a.Text())
	}
	lacks(t, x.get(path, session), anew...)
}
