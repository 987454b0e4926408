package seed

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/fulltext"
)

// vocabulary teaches the search how words are written, and keeps texts for the
// statements that make many rows at once.
func (f *filler) vocabulary(tx *db.Tx) error {
	for i := 0; i < len(f.w.all); i += 100 {
		if err := fulltext.Learn(tx, fulltext.Words(f.w.all[i:min(i+100, len(f.w.all))]...)); err != nil {
			return err
		}
	}
	if err := exec(tx, "DROP TABLE IF EXISTS seed_texts", "CREATE TABLE seed_texts (n BIGINT PRIMARY KEY, body TEXT NOT NULL)"); err != nil {
		return err
	}
	texts := into(tx, "seed_texts", "n, body")
	for i := range seedTexts {
		if err := texts.add(i, f.w.text(1, 4)); err != nil {
			return err
		}
	}
	return texts.flush()
}

const seedTexts = 2_000

// hosts is how many other servers there are.
const hosts = 50

func (f *filler) remote(i int) bool { return i*37%100 < f.o.Remote }

// home is the origin and the host column of a channel or account.
func (f *filler) home(i int, remote bool) (origin, host string) {
	if !remote {
		return f.o.Origin, ""
	}
	host = fmt.Sprintf("h%d.example", i%hosts)
	return "https://" + host, host
}

// people makes channels with their accounts, then accounts that have none.
func (f *filler) people(tx *db.Tx) error {
	now := f.o.Now
	actors := into(tx, "actors", "id, iri, type, username, host, name, inbox, followers, attributed_to, public_key_id, followers_count, created_at, updated_at")
	users := into(tx, "users", "id, username, email, password_hash, role, created_at, updated_at")
	accounts := into(tx, "accounts", "id, actor_id, user_id, created_at, updated_at", actors, users)
	channels := into(tx, "channels", "id, actor_id, account_id, local, words, created_at, updated_at", actors, accounts)
	actor := func(i int, kind, path, name, shown string, remote bool, owner string) (string, error) {
		origin, host := f.home(i, remote)
		iri := origin + path + name
		followers := f.rng.IntN(1000)
		return iri, actors.add(f.actor(i, kind), iri, kind, name, host, shown, iri+"/inbox", iri+"/followers", owner, iri+"#main-key", followers, now, now)
	}
	for i := range f.o.Channels + f.o.Accounts {
		remote := f.remote(i) || i >= f.o.Channels
		name := fmt.Sprintf("person%d", i)
		person, err := actor(i, "Person", "/accounts/", name, f.w.line(1, 2), remote, "")
		if err != nil {
			return err
		}
		var user any
		if !remote {
			id := f.ids["users"] + int64(i)
			user = id
			if err := users.add(id, name, name+"@example.org", "x", 2, now, now); err != nil {
				return err
			}
		}
		if err := accounts.add(f.ids["accounts"]+int64(i), f.actor(i, "Person"), user, now, now); err != nil {
			return err
		}
		if i >= f.o.Channels {
			continue
		}
		channel, shown := fmt.Sprintf("channel%d", i), f.w.line(1, 4)
		if _, err := actor(i, "Group", "/video-channels/", channel, shown, remote, person); err != nil {
			return err
		}
		err = channels.add(f.ids["channels"]+int64(i), f.actor(i, "Group"), f.ids["accounts"]+int64(i), !remote, fulltext.Words(channel, shown), now, now)
		if err != nil {
			return err
		}
	}
	if err := channels.flush(); err != nil {
		return err
	}
	return accounts.flush()
}

// actor is the id of the i-th person or channel.
func (f *filler) actor(i int, kind string) int64 {
	id := f.ids["actors"] + 2*int64(i)
	if kind == "Group" {
		id++
	}
	return id
}

// age is how long ago the i-th video came out: evenly over five years.
func (f *filler) age(i int) time.Duration {
	const span = 5 * 365 * 24 * time.Hour
	return time.Duration(float64(span) * float64(f.o.Videos-i) / float64(f.o.Videos))
}

func (f *filler) videos(tx *db.Tx) error {
	videos := into(tx, "videos", "id, uuid, iri, channel_id, local, listed, name, folded, description, category, licence, language,"+
		" privacy, state, nsfw, duration, aspect_ratio, views, likes, dislikes, source_size, files_size, federated_at, fetched_at, parts_url, shares_url, published_at, created_at, updated_at, playlist_filename, playlist_url")
	tags := into(tx, "video_tags", "video_id, folded, position", videos)
	languages := []any{"en", "en", "en", "de", "fr", "es", "ja", nil, nil}
	for i := range f.o.Videos {
		id := f.ids["videos"] + int64(i)
		channel := f.rng.IntN(f.o.Channels)
		remote := f.remote(channel)
		origin, _ := f.home(channel, remote)
		uid := f.uuid()
		name := f.w.line(2, 9)
		words := []string{name} // and tags
		for range f.rng.IntN(6) {
			if tag := f.w.one(); len([]rune(tag)) > 1 && !slices.Contains(words, tag) {
				words = append(words, tag)
			}
		}
		var category, licence any
		if f.rng.IntN(4) > 0 {
			category = 1 + f.rng.IntN(18)
		}
		if f.rng.IntN(2) > 0 {
			licence = 1 + f.rng.IntN(7)
		}
		privacy := 1
		if !remote && f.rng.IntN(20) == 0 {
			privacy = 2 + f.rng.IntN(3)
		}
		at := f.o.Now.Add(-f.age(i)).Truncate(time.Microsecond)
		var federated, fetched any // its Create went out, its document came in
		var parts, shares string
		switch watch := origin + "/videos/watch/" + uid; {
		case remote:
			fetched, parts, shares = f.o.Now, iri.Short(watch, watch+"/chapters"), iri.Short(watch, watch+"/announces")
		case privacy == 1:
			federated = at
		}
		master, far := "", "/videos/watch/"+uid+"/master.m3u8" // its HLS playlist, here or there
		if !remote {
			master, far = uid+"-master.m3u8", ""
		}
		views := int64(f.rng.ExpFloat64() * f.rng.ExpFloat64() * 300)
		text, language, nsfw := f.w.text(1, 6), languages[f.rng.IntN(len(languages))], f.rng.IntN(33) == 0
		duration := 10 + f.rng.IntN(7200)
		size := 0     // of the upload
		var files any // what was made of it
		if !remote {
			size, files = 50_000_000, fileSize+1000*duration
		}
		err := videos.add(id, uid, origin+"/videos/watch/"+uid, f.ids["channels"]+int64(channel), !remote, true, name, fulltext.Words(words...),
			text, category, licence, language, privacy, 1, nsfw,
			duration, 1.7778, views, views/20, views/200, size, files, federated, fetched, parts, shares, at, at, at, master, far)
		if err != nil {
			return err
		}
		for position, tag := range words[1:] {
			if err := tags.add(id, tag, position); err != nil {
				return err
			}
		}
	}
	if err := videos.flush(); err != nil {
		return err
	}
	return tags.flush()
}

func (f *filler) uuid() string {
	var b [16]byte
	for i := range 2 {
		n := f.rng.Uint64()
		for j := range 8 {
			b[8*i+j] = byte(n >> (8 * j))
		}
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return uuid.UUID(b).String()
}

func (f *filler) playlists(tx *db.Tx) error {
	playlists := into(tx, "playlists", "id, uuid, iri, account_id, channel_id, local, name, words, privacy, type, federated_at, created_at, updated_at")
	elements := into(tx, "playlist_elements", "playlist_id, video_id, position, created_at, updated_at", playlists)
	for i := range f.o.Playlists {
		id, owner, uid, name := f.ids["playlists"]+int64(i), f.rng.IntN(f.o.Channels), f.uuid(), f.w.line(1, 5)
		origin, host := f.home(owner, f.remote(owner))
		at := f.o.Now.Add(-f.age(i * f.o.Videos / f.o.Playlists)).Truncate(time.Microsecond)
		var federated any
		if host == "" {
			federated = at
		}
		err := playlists.add(id, uid, origin+"/video-playlists/"+uid, f.ids["accounts"]+int64(owner), f.ids["channels"]+int64(owner), host == "",
			name, fulltext.Words(name), 1+f.rng.IntN(10)/9, 1, federated, at, at)
		if err != nil {
			return err
		}
	}
	for i := range f.o.Playlists {
		for position := range 1 + f.rng.IntN(20) {
			err := elements.add(f.ids["playlists"]+int64(i), f.ids["videos"]+int64(f.rng.IntN(f.o.Videos)), position+1, f.o.Now, f.o.Now)
			if err != nil {
				return err
			}
		}
	}
	return elements.flush()
}
