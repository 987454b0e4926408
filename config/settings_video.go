package config

import "time"

// Upload limits what one upload may be. The section is not in PeerTube.
type Upload struct {
	// Largest file. -1 for no limit but the quota.
	MaxFileSize Size `key:"max_file_size"`
	// An upload that received nothing for so long is removed; one that never
	// received anything goes after an hour.
	ExpireAfter time.Duration `key:"expire_after" min:"1"`
}

// ActorImages are the pictures of accounts, channels and the instance.
type ActorImages struct {
	// Sizes in which new avatars are kept, each a square. Of those of other servers
	// none above 600 is kept.
	AvatarSizes []ImageSize `key:"avatar_sizes"`
	// Sizes in which new banners are kept.
	BannerSizes []ImageSize `key:"banner_sizes"`
}

// Thumbnails are the pictures made of a video.
type Thumbnails struct {
	// Width and height of the small picture and of the large one. Two are used: the
	// first as thumbnail, the second as preview.
	Sizes []ImageSize `key:"sizes"`
}

// VideoFile says what may be done with the files of a video.
type VideoFile struct {
	// Whether owners may replace the file of a video by another.
	Update Toggle `key:"update"`
}

// DownloadGenerateVideo bounds the work of putting downloads together.
type DownloadGenerateVideo struct {
	// Downloads at the same time; who comes then is asked to come back.
	MaxParallelDownloads int `key:"max_parallel_downloads" min:"1" max:"10000"`
}

// Feeds says how much feeds hold.
type Feeds struct {
	// Feeds of videos.
	Videos FeedSize `key:"videos"`
	// Feeds of comments.
	Comments FeedSize `key:"comments"`
}

// FeedSize is the length of a feed.
type FeedSize struct {
	// Entries, the newest ones.
	Count int `key:"count" min:"1" max:"100"`
}

// OriginalFile says what becomes of the file that a user uploaded.
type OriginalFile struct {
	// Whether it is kept after transcoding, so that its owner can have it back.
	Keep bool `key:"keep"`
}

// Transcoding says which files are made of an upload.
type Transcoding struct {
	// Whether uploads are transcoded. Without it only files that browsers play as
	// they are may be uploaded.
	Enabled bool `key:"enabled"`
	// The uploaded file.
	OriginalFile OriginalFile `key:"original_file"`
	// Threads of one ffmpeg; 0 lets ffmpeg choose.
	Threads int `key:"threads" min:"0" max:"256"`
	// Transcoding jobs that run at the same time.
	Concurrency int `key:"concurrency" min:"1" max:"256"`
	// Heights that are made when the upload is at least as high. In PeerTube's
	// template all are off; here 480p and 720p are on, so that a slow line has
	// something to watch.
	Resolutions Resolutions `key:"resolutions"`
	// Whether the height of the upload is made too, even when it is above all others.
	AlwaysTranscodeOriginalResolution bool `key:"always_transcode_original_resolution"`
	// Frame rates.
	FPS FPS `key:"fps"`
	// One MP4 file a resolution. Off in PeerTube since 6.0; on here, since torrents
	// and other servers' players are served best by it.
	WebVideos Toggle `key:"web_videos"`
	// HLS with fragmented MP4, one file a resolution.
	HLS Toggle `key:"hls"`
}

// Resolutions says which heights are made. [Resolutions.Heights] lists them.
type Resolutions struct {
	// Sound alone.
	R0 bool `key:"0p"`
	// 256x144.
	R144 bool `key:"144p"`
	// 426x240.
	R240 bool `key:"240p"`
	// 640x360.
	R360 bool `key:"360p"`
	// 854x480.
	R480 bool `key:"480p"`
	// 1280x720.
	R720 bool `key:"720p"`
	// 1920x1080.
	R1080 bool `key:"1080p"`
	// 2560x1440.
	R1440 bool `key:"1440p"`
	// 3840x2160.
	R2160 bool `key:"2160p"`
}

// FPS limits frame rates.
type FPS struct {
	// Highest frame rate that is made.
	Max int `key:"max" min:"1" max:"240"`
}

// Schedulers says how often work is done that nobody asks for. The least is a
// second.
type Schedulers struct {
	// Publishing videos whose time has come.
	UpdateVideos time.Duration `key:"update_videos" min:"1000000000"`
	// Removing uploads that were given up.
	RemoveOldUploads time.Duration `key:"remove_old_uploads" min:"1000000000"`
	// Removing sessions that are over.
	RemoveOldSessions time.Duration `key:"remove_old_sessions" min:"1000000000"`
	// Removing notifications that are too old.
	RemoveOldNotifications time.Duration `key:"remove_old_notifications" min:"1000000000"`
	// Removing what is too old of the history of users.
	RemoveOldHistory time.Duration `key:"remove_old_history" min:"1000000000"`
	// Forgetting copies of videos whose time is over.
	ExpireRedundancy time.Duration `key:"expire_redundancy" min:"1000000000"`
	// Removing jobs that were done long ago.
	RemoveOldJobs time.Duration `key:"remove_old_jobs" min:"1000000000"`
}

// Search are the settings of search.
type Search struct {
	// Who may make this server fetch a video or channel by its address.
	RemoteURI RemoteURI `key:"remote_uri"`
}

// RemoteURI says who may search by address.
type RemoteURI struct {
	// Signed-in users.
	Users bool `key:"users"`
	// Everybody.
	Anonymous bool `key:"anonymous"`
}

// Instance is how the server presents itself.
type Instance struct {
	// Name of the server.
	Name string `key:"name"`
	// One sentence about it.
	ShortDescription string `key:"short_description"`
	// All about it, in Markdown.
	Description string `key:"description"`
	// Terms of use, in Markdown.
	Terms string `key:"terms"`
	// Code of conduct, in Markdown.
	CodeOfConduct string `key:"code_of_conduct"`
	// Who moderates and how, in Markdown.
	ModerationInformation string `key:"moderation_information"`
	// Why the server was made, in Markdown.
	CreationReason string `key:"creation_reason"`
	// Who runs it, in Markdown.
	Administrator string `key:"administrator"`
	// How long it will be kept, in Markdown.
	MaintenanceLifetime string `key:"maintenance_lifetime"`
	// How it is paid for, in Markdown.
	BusinessModel string `key:"business_model"`
	// What it runs on, in Markdown.
	HardwareInformation string `key:"hardware_information"`
	// Country the server is in.
	ServerCountry string `key:"server_country"`
	// How to support the server.
	Support InstanceSupport `key:"support"`
	// Where else it is found.
	Social InstanceSocial `key:"social"`
	// Language of the pages.
	DefaultLanguage string `key:"default_language"`
	// Languages the moderators understand, as en or fr.
	Languages []string `key:"languages"`
	// Numbers of the categories the server is about.
	Categories []int `key:"categories"`
	// Whether most videos are not safe for work.
	IsNSFW bool `key:"is_nsfw"`
	// What visitors see of such videos.
	DefaultNSFWPolicy string `key:"default_nsfw_policy" allowed:"do_not_list warn blur display"`
	// Text of /robots.txt.
	Robots string `key:"robots"`
	// Text of /.well-known/security.txt. Unset means one that points to the contact
	// of the administrator.
	SecurityTxt string `key:"securitytxt"`
}

// InstanceSupport says how to support the server.
type InstanceSupport struct {
	// Text, in Markdown.
	Text string `key:"text"`
}

// InstanceSocial are links to other places of the people who run the server.
type InstanceSocial struct {
	// Their own site.
	ExternalLink string `key:"external_link"`
	// Their profile on Mastodon.
	MastodonLink string `key:"mastodon_link"`
	// Their profile on Bluesky.
	BlueskyLink string `key:"bluesky_link"`
	// Their profile on X.
	XLink string `key:"x_link"`
}

// Client are settings of the pages.
type Client struct {
	// Uploading.
	Videos ClientVideos `key:"videos"`
}

// ClientVideos are settings of the publish page.
type ClientVideos struct {
	// Resumable uploads.
	ResumableUpload ResumableUpload `key:"resumable_upload"`
}

// ResumableUpload limits the parts of an upload.
type ResumableUpload struct {
	// Largest part a browser sends at once. PeerTube leaves it to the browser when it
	// is unset; a reverse proxy must let parts of this size through.
	MaxChunkSize Size `key:"max_chunk_size" min:"262144"`
}

// WebRTC are settings of connections between browsers.
type WebRTC struct {
	// STUN servers that browsers ask for their own address. They see the addresses of
	// viewers; an empty list keeps peer-to-peer to one network.
	STUNServers []string `key:"stun_servers"`
}

// Defaults is what is chosen for a user who chooses nothing.
type Defaults struct {
	// New videos.
	Publish DefaultsPublish `key:"publish"`
	// Peer-to-peer.
	P2P DefaultsP2P `key:"p2p"`
	// The player.
	Player DefaultsPlayer `key:"player"`
}

// DefaultsPublish are the defaults of new videos.
type DefaultsPublish struct {
	// Whether viewers may download the file.
	DownloadEnabled bool `key:"download_enabled"`
	// Comments: 1 for everybody, 2 for nobody, 3 with approval.
	CommentsPolicy int `key:"comments_policy" min:"1" max:"3"`
	// Privacy: 1 public, 2 unlisted, 3 private, 4 internal.
	Privacy int `key:"privacy" min:"1" max:"4"`
	// Licence: 1 to 7, or 0 for none.
	Licence int `key:"licence" min:"0" max:"7"`
}

// DefaultsP2P says where peer-to-peer is on.
type DefaultsP2P struct {
	// On the pages of this server. Off in some of PeerTube's files; here on, it is
	// what the server is for. Viewers can switch it off.
	Webapp Toggle `key:"webapp"`
	// In players embedded elsewhere.
	Embed Toggle `key:"embed"`
}

// DefaultsPlayer are the defaults of the player.
type DefaultsPlayer struct {
	// Whether a video starts by itself on its page.
	AutoPlay bool `key:"auto_play"`
}
