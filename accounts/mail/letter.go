package mail

import (
	"html/template"
	"slices"
	"strings"
)

// Letter is a mail as the server writes them: paragraphs and, where there is
// something to do, one link. It is written in plain text and in HTML.
type Letter struct {
	Subject    string
	Paragraphs []string
	Action     string // what the link does; none when empty
	URL        string // of our own, see [Service.Link]
	Notes      []string
}

const ignore = "If you did not expect this mail, you need not do anything."

// Message is the letter to an address.
func (l Letter) Message(to ...string) Message {
	var plain, rich strings.Builder
	plain.WriteString(strings.Join(l.Paragraphs, "\n\n"))
	if l.Action != "" {
		plain.WriteString("\n\n" + l.Action + ":\n" + l.URL)
	}
	for _, n := range l.Notes {
		plain.WriteString("\n\n" + n)
	}
	// The template is right at start, and a Builder takes everything.
	_ = letterHTML.Execute(&rich, l)
	return Message{To: to, Subject: l.Subject, Text: plain.String(), HTML: rich.String()}
}

// Unexpected returns the letter with a note for those who did not ask for it.
func (l Letter) Unexpected() Letter {
	l.Notes = append(slices.Clip(l.Notes), ignore)
	return l
}

var letterHTML = template.Must(template.New("letter").Parse(
	`{{range .Paragraphs}}<p style="margin:0 0 16px;white-space:pre-line">{{.}}</p>
{{end}}{{if .Action}}<p style="margin:24px 0"><a href="{{.URL}}" style="background:#1f5eff;color:#ffffff;padding:10px 18px;border-radius:6px;text-decoration:none">{{.Action}}</a></p>
<p style="margin:0 0 16px;font-size:13px;color:#5b6270">Or open this address: <br><a href="{{.URL}}" style="color:#1f5eff;word-break:break-all">{{.URL}}</a></p>
{{end}}{{range .Notes}}<p style="margin:0 0 16px;font-size:13px;color:#5b6270">{{.}}</p>
{{end}}`))

// page puts the body of a mail into a document. Both arguments are HTML.
func page(body, signature string) string {
	return `<!doctype html>
<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"></head>
<body style="margin:0;padding:24px;font:16px/1.5 system-ui,sans-serif;color:#16181d;background:#ffffff">
<div style="max-width:560px">
` + body + `<p style="margin:32px 0 0;font-size:13px;color:#5b6270">` + signature + `</p>
</div></body></html>
`
}
