package catalog

// The arguments of the module's jobs. They live here because the feature that
// inserts a job is rarely the one that works on it.

// TranscodeArgs makes one rendition (video/transcode).
type TranscodeArgs struct {
	VideoID     int64 `json:"videoId"`
	RenditionID int64 `json:"renditionId"`
}

// Kind implements jobs.Args.
func (TranscodeArgs) Kind() string { return "video.transcode" }

// What a federation job is about. Create and update are a hint for readers of
// the job list: the job compares the row with what went out before.
const (
	FederateCreate = "create"
	FederateUpdate = "update"
	FederateDelete = "delete"
)

// FederateArgs tells other servers about a local video (video/federation). For
// a delete the row is gone, so the arguments carry what the activity needs.
type FederateArgs struct {
	VideoID int64  `json:"videoId"`
	What    string `json:"what"`

	IRI     string  `json:"iri,omitempty"`     // delete: the video
	ActorID int64   `json:"actorId,omitempty"` // delete: the account's actor
	Shared  []int64 `json:"shared,omitempty"`  // delete: actors whose followers know the video
}

// Kind implements jobs.Args.
func (FederateArgs) Kind() string { return "video.federate" }

// TorrentArgs makes the torrents of a local video anew: its name, and so every
// info hash, has changed, or its files moved (video/torrent's job).
type TorrentArgs struct {
	VideoID int64 `json:"videoId"`
}

// Kind implements jobs.Args.
func (TorrentArgs) Kind() string { return "video.torrent" }

// StoryboardArgs makes the picture of the seek bar of a local video
// (video/storyboard).
type StoryboardArgs struct {
	VideoID int64 `json:"videoId"`
}

// Kind implements jobs.Args.
func (StoryboardArgs) Kind() string { return "video.storyboard" }

// RemotePartsArgs reads the chapters of a remote video (video/federation).
type RemotePartsArgs struct {
	VideoID int64 `json:"videoId"`
}

// Kind implements jobs.Args.
func (RemotePartsArgs) Kind() string { return "video.remote-parts" }

// DeleteFilesArgs deletes stored objects that no row names any more.
type DeleteFilesArgs struct {
	Keys []string `json:"keys"`
}

// Kind implements jobs.Args.
func (DeleteFilesArgs) Kind() string { return "video.delete-files" }

// RemoteThumbnailArgs fetches the pictures of a remote video (video/federation).
type RemoteThumbnailArgs struct {
	VideoID int64 `json:"videoId"`
}

// Kind implements jobs.Args.
func (RemoteThumbnailArgs) Kind() string { return "video.remote-thumbnail" }
