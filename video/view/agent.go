package view

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// agent is by what a video is watched, in words of few kinds.
type agent struct{ Client, Device, System string }

// maxName is the longest name that players may say of themselves, in runes.
const maxName = 50

// word is s when it can be a name, else empty.
func word(s string) string {
	strange := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !strings.ContainsRune(" ._+/()-", r)
	}
	if utf8.RuneCountInString(s) > maxName || strings.ContainsFunc(s, strange) {
		return ""
	}
	return s
}

// devices are the kinds that statistics know (OpenAPI VideoStatsUserAgentDevice).
var devices = map[string]bool{
	"console": true, "embedded": true, "mobile": true, "smarttv": true, "tablet": true, "wearable": true, "xr": true, "desktop": true,
}

// said completes what a player says of itself by its User-Agent.
func said(client, device, system, userAgent string) agent {
	a := agentOf(userAgent)
	if client = word(client); client != "" {
		a.Client = client
	}
	if system = word(system); system != "" {
		a.System = system
	}
	if devices[device] {
		a.Device = device
	}
	return a
}

// Tokens of User-Agent headers with what they mean, the more special first: a
// browser names all whose pages it can show.
var (
	clientTokens = [][2]string{
		{"Kodi", "Kodi"},
		{"VLC", "VLC"},
		{"mpv", "mpv"},
		{"NewPipe", "NewPipe"},
		{"Edg", "Edge"},
		{"OPR", "Opera"},
		{"Vivaldi", "Vivaldi"},
		{"SamsungBrowser", "Samsung Internet"},
		{"Firefox", "Firefox"},
		{"FxiOS", "Firefox"},
		{"CriOS", "Chrome"},
		{"Chrome", "Chrome"},
		{"Safari", "Safari"},
	}
	deviceTokens = [][2]string{
		{"OculusBrowser", "xr"},
		{"Quest", "xr"},
		{"PlayStation", "console"},
		{"Xbox", "console"},
		{"Nintendo", "console"},
		{"SmartTV", "smarttv"},
		{"SMART-TV", "smarttv"},
		{"Tizen", "smarttv"},
		{"Web0S", "smarttv"},
		{"AppleTV", "smarttv"},
		{"Android TV", "smarttv"},
		{"Watch", "wearable"},
		{"iPad", "tablet"},
		{"Tablet", "tablet"},
		{"iPhone", "mobile"},
		{"Mobile", "mobile"},
		{"Android", "tablet"},
	}
	systemTokens = [][2]string{
		{"Windows", "Windows"},
		{"iPhone", "iOS"},
		{"iPad", "iOS"},
		{"Mac OS X", "macOS"},
		{"Android", "Android"},
		{"CrOS", "ChromeOS"},
		{"Tizen", "Tizen"},
		{"Web0S", "webOS"},
		{"Linux", "Linux"},
	}
)

func agentOf(userAgent string) agent {
	find := func(tokens [][2]string, otherwise string) string {
		for _, t := range tokens {
			if strings.Contains(userAgent, t[0]) {
				return t[1]
			}
		}
		return otherwise
	}
	a := agent{Client: find(clientTokens, ""), Device: find(deviceTokens, ""), System: find(systemTokens, "")}
	if a.Device == "" && a.System != "" {
		a.Device = "desktop"
	}
	return a
}
