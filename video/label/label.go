// Package label names the enumerations of videos that are only ever shown or
// sent: categories, licences, languages and resolutions, with PeerTube's numbers
// and words. It knows nobody of the project.
package label

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Unknown names what has no value and what is not known.
const Unknown = "Unknown"

var categories = map[int]string{
	1: "Music", 2: "Films", 3: "Vehicles", 4: "Art", 5: "Sports", 6: "Travels", 7: "Gaming", 8: "People", 9: "Comedy",
	10: "Entertainment", 11: "News & Politics", 12: "How To", 13: "Education", 14: "Activism",
	15: "Science & Technology", 16: "Animals", 17: "Kids", 18: "Food",
}

var licences = map[int]string{
	1: "Attribution", 2: "Attribution - Share Alike", 3: "Attribution - No Derivatives", 4: "Attribution - Non Commercial",
	5: "Attribution - Non Commercial - Share Alike", 6: "Attribution - Non Commercial - No Derivatives",
	7: "Public Domain Dedication", 8: "Free of known copyright restrictions", 9: "All Rights Reserved",
}

// spdx maps what other servers may write instead of a licence's number.
var spdx = map[string]int{
	"CC-BY-4.0": 1, "CC-BY-SA-4.0": 2, "CC-BY-ND-4.0": 3, "CC-BY-NC-4.0": 4, "CC-BY-NC-SA-4.0": 5, "CC-BY-NC-ND-4.0": 6, "CC0-1.0": 7,
}

// Category names a category.
func Category(id int) string { return Of(categories, id) }

// Licence names a licence.
func Licence(id int) string { return Of(licences, id) }

// LicenceByName is the number of a licence given as a number or as an SPDX
// identifier; 0 when it is not known.
func LicenceByName(s string) int {
	if n, ok := spdx[s]; ok {
		return n
	}
	if n, err := strconv.Atoi(s); err == nil && licences[n] != "" {
		return n
	}
	return 0
}

// Language names a language by its code.
func Language(code string) string { return Of(languages, code) }

// Resolution names a file's resolution; 0 is sound alone.
func Resolution(resolution int) string {
	if resolution == 0 {
		return "Audio only"
	}
	return strconv.Itoa(resolution) + "p"
}

// Of is the label of a key, or Unknown.
func Of[K comparable](m map[K]string, key K) string {
	if l, ok := m[key]; ok {
		return l
	}
	return Unknown
}

// Categories is the JSON object of all categories.
func Categories() json.RawMessage { return Numbers(categories) }

// Licences is the JSON object of all licences.
func Licences() json.RawMessage { return Numbers(licences) }

// Languages is the JSON object of all languages.
func Languages() json.RawMessage {
	keys := slices.Sorted(maps.Keys(languages))
	return encode(len(keys), func(i int) (string, string) { return keys[i], languages[keys[i]] })
}

// Numbers is the JSON object of an enumeration.
func Numbers(m map[int]string) json.RawMessage {
	keys := slices.Sorted(maps.Keys(m))
	return encode(len(keys), func(i int) (string, string) { return strconv.Itoa(keys[i]), m[keys[i]] })
}

// encode writes an object whose keys keep the given order, which a map of
// numbers would lose: clients show the list as it comes.
func encode(n int, at func(int) (key, value string)) json.RawMessage {
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		k, v := at(i)
		b.WriteString(strconv.Quote(k) + ":" + strconv.Quote(v))
	}
	b.WriteByte('}')
	return json.RawMessage(b.String())
}
