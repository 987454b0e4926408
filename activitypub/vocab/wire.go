package vocab

// Wire is an activity of ours with its members in PeerTube's order, for [Build].
// Every member is written, also an empty one; To and Cc must not be nil, since
// PeerTube takes arrays only.
type Wire struct {
	To     []string `json:"to"`
	Cc     []string `json:"cc"`
	Type   string   `json:"type"`
	ID     string   `json:"id"`
	Actor  string   `json:"actor"`
	Object any      `json:"object"`
}
