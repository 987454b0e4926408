package view

import "testing"

func TestAgents(t *testing.T) {
	for userAgent, want := range map[string]agent{
		"": {},
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                                  {"Firefox", "desktop", "Linux"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0":                   {"Edge", "desktop", "Windows"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1": {"Safari", "mobile", "iOS"},
		"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36":                       {"Chrome", "mobile", "Android"},
		"Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/4.0 Chrome/94 TV Safari/537.36":           {"Samsung Internet", "smarttv", "Tizen"},
		"VLC/3.0.20 LibVLC/3.0.20": {"VLC", "", ""},
		"yt-dlp/2026.01.01":        {},
	} {
		if got := agentOf(userAgent); got != want {
			t.Errorf("%s: %+v, want %+v", userAgent, got, want)
		}
	}
	// What a player says wins, when it can be true.
	firefox := "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	if got := said("My player 1.0", "smarttv", "webOS", firefox); got != (agent{"My player 1.0", "smarttv", "webOS"}) {
		t.Errorf("said: %+v", got)
	}
	if got := said("<script>", "spaceship", "a\nb", firefox); got != (agent{"Firefox", "desktop", "Linux"}) {
		t.Errorf("nonsense: %+v", got)
	}
}
