package seed

import (
	"math/rand/v2"
	"strings"
)

// common are words of titles, the first ones more frequent.
var common = strings.Fields(`the how to of and a in with for my new part episode video live best guide music game review
 tutorial day night city world first time free open source talk interview linux privacy garden kitchen travel mountain river
 forest history science people story film short documentary session meeting conference workshop lesson learn build make repair
 bicycle train railway camera light sound guitar piano drums concert festival dance theatre museum library school university
 weather climate energy solar wind water ocean island beach winter summer spring autumn bread soup coffee tea cheese garden
 animals cats dogs birds whales elephants bees software hardware network server database browser federation community
 economy politics election law rights health sport football chess puzzle robot space moon planet telescope math physics
 chemistry biology language french german spanish italian polish russian japanese chinese arabic
 für über mit und die der das straße musik küche école déjà vidéo été garçon élève français música año niño canción cómo
 привет мир видео музыка история россия космос новости мастер урок ελληνικά μουσική ιστορία
 日本語 音楽 東京 猫 料理 電車 中文 视频 北京 旅行 한국 음악 여행 العربية موسيقى فيديو हिन्दी संगीत`)

var syllables = strings.Fields("ba be bo da de do ka ke ko la le lo ma me mo na ne no ra re ro sa se so ta te to va ve vo za an en in on ar er or al el il tra pre sto gra")

// words makes texts.
type words struct {
	rng  *rand.Rand
	all  []string
	zipf *rand.Zipf
}

// vocabularySize is how many words there are, most of them rare.
const vocabularySize = 8_000

func newWords(rng *rand.Rand) *words {
	w := &words{rng: rng, all: append([]string(nil), common...)}
	seen := map[string]bool{}
	for len(w.all) < vocabularySize {
		var b strings.Builder
		for range 2 + rng.IntN(3) {
			b.WriteString(syllables[rng.IntN(len(syllables))])
		}
		if word := b.String(); !seen[word] {
			seen[word] = true
			w.all = append(w.all, word)
		}
	}
	w.zipf = rand.NewZipf(rng, 1.1, 12, uint64(len(w.all)-1))
	return w
}

func (w *words) one() string { return w.all[w.zipf.Uint64()] }

// line is a text of some words, the first with a capital.
func (w *words) line(least, most int) string {
	out := make([]string, least+w.rng.IntN(most-least+1))
	for i := range out {
		out[i] = w.one()
	}
	text := strings.Join(out, " ")
	first := []rune(text)[:1]
	return strings.ToUpper(string(first)) + text[len(string(first)):]
}

// text is some sentences.
func (w *words) text(least, most int) string {
	out := make([]string, least+w.rng.IntN(most-least+1))
	for i := range out {
		out[i] = w.line(5, 15) + "."
	}
	return strings.Join(out, " ")
}
