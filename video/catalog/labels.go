package catalog

import (
	"encoding/json"
	"sort"
	"strconv"
	"strings"
)

// Privacy says for whom a video is; the numbers go over the API.
type Privacy int

// The privacies. Internal and Password are known so that a stored value is
// never misread; this version does not let them be chosen.
const (
	Public   Privacy = 1
	Unlisted Privacy = 2
	Private  Privacy = 3
	Internal Privacy = 4
	Password Privacy = 5
)

// State is where a video is in its life; the numbers go over the API and over
// ActivityPub.
type State int

// The states.
const (
	Published         State = 1
	ToTranscode       State = 2
	ToImport          State = 3
	WaitingForLive    State = 4
	LiveEnded         State = 5
	ToMoveStorage     State = 6
	TranscodingFailed State = 7
	MoveFailed        State = 8
	ToEdit            State = 9
)

// CommentsPolicy says whether a video takes comments; the numbers go over the
// API and over ActivityPub.
type CommentsPolicy int

// The comment policies.
const (
	CommentsEnabled  CommentsPolicy = 1
	CommentsDisabled CommentsPolicy = 2
	CommentsApproval CommentsPolicy = 3
)

// unknown labels what has no value.
const unknown = "Unknown"

var (
	privacies = map[int]string{1: "Public", 2: "Unlisted", 3: "Private", 4: "Internal", 5: "Password protected"}

	states = map[int]string{
		1: "Published", 2: "To transcode", 3: "To import", 4: "Waiting for livestream", 5: "Livestream ended",
		6: "To move to an external storage", 7: "Transcoding failed", 8: "External storage move failed", 9: "To edit",
	}

	categories = map[int]string{
		1: "Music", 2: "Films", 3: "Vehicles", 4: "Art", 5: "Sports", 6: "Travels", 7: "Gaming", 8: "People", 9: "Comedy",
		10: "Entertainment", 11: "News & Politics", 12: "How To", 13: "Education", 14: "Activism",
		15: "Science & Technology", 16: "Animals", 17: "Kids", 18: "Food",
	}

	licences = map[int]string{
		1: "Attribution", 2: "Attribution - Share Alike", 3: "Attribution - No Derivatives", 4: "Attribution - Non Commercial",
		5: "Attribution - Non Commercial - Share Alike", 6: "Attribution - Non Commercial - No Derivatives",
		7: "Public Domain Dedication", 8: "Free of known copyright restrictions", 9: "All Rights Reserved",
	}

	commentsPolicies = map[int]string{1: "Enabled", 2: "Disabled", 3: "Requires approval"}
)

// spdxLicences maps what other servers may write instead of a number.
var spdxLicences = map[string]int{
	"CC-BY-4.0": 1, "CC-BY-SA-4.0": 2, "CC-BY-ND-4.0": 3, "CC-BY-NC-4.0": 4, "CC-BY-NC-SA-4.0": 5, "CC-BY-NC-ND-4.0": 6, "CC0-1.0": 7,
}

// Label names a privacy.
func (p Privacy) Label() string { return label(privacies, int(p)) }

// Label names a state.
func (s State) Label() string { return label(states, int(s)) }

// Label names a comments policy.
func (c CommentsPolicy) Label() string { return label(commentsPolicies, int(c)) }

// CategoryLabel names a category; "Unknown" for none and for an unknown one.
func CategoryLabel(id int) string { return label(categories, id) }

// LicenceLabel names a licence; "Unknown" for none and for an unknown one.
func LicenceLabel(id int) string { return label(licences, id) }

// LanguageLabel names a language; "Unknown" for none and for an unknown one.
func LanguageLabel(code string) string {
	if l, ok := languageList[code]; ok {
		return l
	}
	return unknown
}

// LicenceByName is the number of a licence given as a number or as an SPDX
// identifier; 0 when it is not known.
func LicenceByName(s string) int {
	if n, ok := spdxLicences[s]; ok {
		return n
	}
	if n, err := strconv.Atoi(s); err == nil && licences[n] != "" {
		return n
	}
	return 0
}

// ResolutionLabel names a file's resolution.
func ResolutionLabel(resolution int) string {
	if resolution == 0 {
		return "Audio only"
	}
	return strconv.Itoa(resolution) + "p"
}

func label(m map[int]string, id int) string {
	if l, ok := m[id]; ok {
		return l
	}
	return unknown
}

// Labels of the enumerations as the API answers with them, encoded once.
func numberLabels(m map[int]string) json.RawMessage {
	keys := make([]int, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Ints(keys)
	return encodeLabels(len(keys), func(i int) (string, string) { return strconv.Itoa(keys[i]), m[keys[i]] })
}

func languageLabels() json.RawMessage {
	keys := make([]string, 0, len(languageList))
	for k := range languageList {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return encodeLabels(len(keys), func(i int) (string, string) { return keys[i], languageList[keys[i]] })
}

// encodeLabels writes an object whose keys keep the given order, which a map
// would lose: clients show the list as it comes.
func encodeLabels(n int, at func(int) (key, value string)) json.RawMessage {
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
