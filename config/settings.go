package config

import (
	"net/netip"
	"time"
)

// Config is every setting of one server. It is read once, completed by
// [Config.Complete] and not changed afterwards. What an administrator changes
// while the server runs makes a new one, see [Config.Current].
type Config struct {
	// Folder for everything the server stores: the SQLite database, the secret and
	// all folders of the storage section that are not set one by one.
	DataDir string `key:"data_dir"`

	// Where the server listens.
	Listen Listen `key:"listen"`

	// The public address of the server. It is part of every federated id, so it
	// must never change after the first start.
	Webserver Webserver `key:"webserver"`

	// Secrets of the server.
	Secrets Secrets `key:"secrets"`

	// Who may tell the client's address by X-Forwarded-For: addresses, networks, or
	// the words loopback, linklocal and uniquelocal.
	TrustProxy []string `key:"trust_proxy"`

	// The SQL database: SQLite in data_dir unless something is set here. Either url,
	// or hostname and what goes with it for PostgreSQL.
	Database Database `key:"database"`

	// The Redis server that runs the job queues. Without hostname, socket and url the
	// server brings its own inside the process; jobs themselves are always kept in
	// the SQL database, so Redis may be emptied at any time.
	Redis Redis `key:"redis"`

	// Folders, each below data_dir unless set.
	Storage Storage `key:"storage"`

	// Access to the API.
	OAuth2 OAuth2 `key:"oauth2"`

	// Requests allowed to one address within a window. Moderators and administrators
	// are exempt.
	RatesLimit RatesLimit `key:"rates_limit"`

	// Time limits of HTTP requests.
	HTTPTimeouts HTTPTimeouts `key:"http_timeouts"`

	// Media files.
	StaticFiles StaticFiles `key:"static_files"`

	// The log on standard error.
	Log Log `key:"log"`

	// The BitTorrent tracker, over HTTP and WebSocket.
	Tracker Tracker `key:"tracker"`

	// Federation with other servers.
	Federation Federation `key:"federation"`

	// Who may follow.
	Followers Followers `key:"followers"`

	// Whom this server follows by itself.
	Followings Followings `key:"followings"`

	// The administrator.
	Admin Admin `key:"admin"`

	// What administrators may do in the browser and by the API.
	Webadmin Webadmin `key:"webadmin"`

	// The form by which visitors write to the administrator.
	ContactForm ContactForm `key:"contact_form"`

	// A message on every page.
	BroadcastMessage BroadcastMessage `key:"broadcast_message"`

	// The mail server that takes what this one sends: links to verify addresses and
	// to set passwords, notifications, messages of the contact form. Without a
	// hostname no mail is sent, and what needs one is off.
	SMTP SMTP `key:"smtp"`

	// What mails look like.
	Email Email `key:"email"`

	// Registration of new users.
	Signup Signup `key:"signup"`

	// Defaults of new users.
	User User `key:"user"`

	// What users are told of.
	Notifications Notifications `key:"notifications"`

	// Channels.
	VideoChannels VideoChannels `key:"video_channels"`

	// Comments.
	VideoComments VideoComments `key:"video_comments"`

	// Videos that a moderator looks at before others see them.
	AutoBlacklist AutoBlacklist `key:"auto_blacklist"`

	// Uploads.
	Upload Upload `key:"upload"`

	// Pictures of accounts, channels and the instance.
	ActorImages ActorImages `key:"actor_images"`

	// Pictures made of a video.
	Thumbnails Thumbnails `key:"thumbnails"`

	// Files of other servers' videos, which are fetched when somebody looks.
	Cache Cache `key:"cache"`

	// Files of videos that are there already.
	VideoFile VideoFile `key:"video_file"`

	// Downloads that are put together for who asks.
	DownloadGenerateVideo DownloadGenerateVideo `key:"download_generate_video"`

	// Feeds for feed readers.
	Feeds Feeds `key:"feeds"`

	// Making files that every browser plays.
	Transcoding Transcoding `key:"transcoding"`

	// The picture with many small ones of a video, which the seek bar shows.
	Storyboards Toggle `key:"storyboards"`

	// Counting views.
	Views Views `key:"views"`

	// What people watch now.
	Trending Trending `key:"trending"`

	// What each user has watched.
	History History `key:"history"`

	// Copies of our videos on other servers.
	RemoteRedundancy RemoteRedundancy `key:"remote_redundancy"`

	// How often work is done that nobody asks for. Fixed in PeerTube.
	Schedulers Schedulers `key:"schedulers"`

	// Search.
	Search Search `key:"search"`

	// How the server presents itself.
	Instance Instance `key:"instance"`

	// The pages in the browser.
	Client Client `key:"client"`

	// Peer-to-peer connections between browsers.
	WebRTC WebRTC `key:"webrtc"`

	// What is chosen for a user who chooses nothing.
	Defaults Defaults `key:"defaults"`

	// InitialRootPassword is the password of the administrator root at the first
	// start, from KINEMESH_INITIAL_ROOT_PASSWORD alone: it is never in a file.
	// Empty means that one is made.
	InitialRootPassword Secret `key:"-"`

	live *live `key:"-"`
}

// Listen says where the HTTP server listens.
type Listen struct {
	// Address to listen on; 0.0.0.0 or :: for all.
	Hostname string `key:"hostname"`
	// Port to listen on.
	Port int `key:"port" min:"1" max:"65535"`
}

// Webserver is the public address, which may be that of a reverse proxy.
type Webserver struct {
	// Whether the public address begins with https.
	HTTPS bool `key:"https"`
	// Public host name without scheme and port. Unset means localhost.
	Hostname string `key:"hostname"`
	// Public port. Unset means 443 with https, else the port of the listen section.
	Port int `key:"port" min:"0" max:"65535"`
}

// Secrets are the keys the server itself makes use of.
type Secrets struct {
	// Signs tokens that the server gives out. Unset means one is made at the first
	// start and kept in data_dir/secret. To make one: openssl rand -hex 32
	PeerTube Secret `key:"peertube"`
}

// Database is either a URL or the parts of a PostgreSQL connection.
type Database struct {
	// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME?sslmode=MODE
	URL Secret `key:"url"`
	// PostgreSQL: host name or folder of the socket.
	Hostname string `key:"hostname"`
	// PostgreSQL: port.
	Port int `key:"port" min:"1" max:"65535"`
	// PostgreSQL: whether the connection is encrypted.
	SSL bool `key:"ssl"`
	// PostgreSQL: name of the database. Unset means peertube followed by the suffix.
	Name string `key:"name"`
	// PostgreSQL: end of the name, for files that have no name.
	Suffix string `key:"suffix"`
	// PostgreSQL: user.
	Username string `key:"username"`
	// PostgreSQL: password.
	Password Secret `key:"password"`
	// Connections kept open.
	Pool Pool `key:"pool"`
}

// Pool limits the connections to PostgreSQL.
type Pool struct {
	// Most connections at once; 0: four for each core of this machine, at least 8.
	// With many more, answers wait for each other in the database instead of in
	// line, and the slowest are slower.
	Max int `key:"max" min:"0" max:"1000"`
}

// Redis names the server of the queues; all empty means embedded.
type Redis struct {
	// redis://:PASSWORD@HOST:PORT/DB, or rediss:// for TLS. Wins over the other keys.
	URL Secret `key:"url"`
	// Host name.
	Hostname string `key:"hostname"`
	// Port.
	Port int `key:"port" min:"1" max:"65535"`
	// Path of a Unix socket, instead of hostname and port.
	Socket string `key:"socket"`
	// Password.
	Auth Secret `key:"auth"`
	// Number of the database.
	DB int `key:"db" min:"0" max:"1000"`
}

// Storage are the folders. After [Config.Complete] none is empty.
type Storage struct {
	// Files of a moment.
	Tmp string `key:"tmp"`
	// Unfinished uploads.
	TmpPersistent string `key:"tmp_persistent"`
	// Pictures of accounts and channels.
	Avatars string `key:"avatars"`
	// Files of videos as MP4.
	WebVideos string `key:"web_videos"`
	// HLS playlists and their files.
	StreamingPlaylists string `key:"streaming_playlists"`
	// Files as they were uploaded, until they are transcoded.
	OriginalVideoFiles string `key:"original_video_files"`
	// Large pictures of videos.
	Previews string `key:"previews"`
	// Small pictures of videos.
	Thumbnails string `key:"thumbnails"`
	// Torrent files.
	Torrents string `key:"torrents"`
	// Subtitles of videos.
	Captions string `key:"captions"`
	// Pictures of the seek bar.
	Storyboards string `key:"storyboards"`
	// Copies of other servers' videos that this one offers.
	Redundancy string `key:"redundancy"`
	// Copies of remote files that can be fetched again.
	Cache string `key:"cache"`
}

// OAuth2 are the settings of API tokens.
type OAuth2 struct {
	// How long tokens live.
	TokenLifetime TokenLifetime `key:"token_lifetime"`
}

// TokenLifetime says how long tokens live.
type TokenLifetime struct {
	// Access token.
	AccessToken time.Duration `key:"access_token" min:"1"`
	// Refresh token. A session that is not used for so long ends.
	RefreshToken time.Duration `key:"refresh_token" min:"1"`
}

// RatesLimit are the limits for one address.
type RatesLimit struct {
	// API requests.
	API RateLimit `key:"api"`
	// Attempts to log in.
	Login RateLimit `key:"login"`
	// Successful registrations.
	Signup RateLimit `key:"signup"`
	// Requests that send a mail to an address.
	AskSendEmail RateLimit `key:"ask_send_email"`
	// Reports of errors in browsers.
	ReceiveClientLog RateLimit `key:"receive_client_log"`
	// Documents of federation.
	ActivityPub RateLimit `key:"activity_pub"`
	// Pages.
	Client RateLimit `key:"client"`
	// Files under /.well-known.
	WellKnown RateLimit `key:"well_known"`
	// Feeds.
	Feeds RateLimit `key:"feeds"`
	// Downloads that are put together for who asks.
	DownloadGenerateVideo RateLimit `key:"download_generate_video"`
}

// RateLimit allows Max requests in each Window.
type RateLimit struct {
	// Length of the window.
	Window time.Duration `key:"window" min:"1"`
	// Requests within one window.
	Max int `key:"max" min:"1" max:"1000000000"`
}

// HTTPTimeouts are time limits of requests to this server.
type HTTPTimeouts struct {
	// Longest time for one request. Uploads have it for each chunk.
	Request time.Duration `key:"request" min:"1"`
}

// StaticFiles says how files are served.
type StaticFiles struct {
	// Whether the files of private videos need a token. Never switch this off on a
	// public server.
	PrivateFilesRequireAuth bool `key:"private_files_require_auth"`
}

// Log says what is logged and how.
type Log struct {
	// Least important level that is written.
	Level string `key:"level" allowed:"debug info warn warning error"`
	// Whether addresses of clients are shortened.
	AnonymizeIP bool `key:"anonymize_ip"`
	// One line for each request that is answered.
	HTTPRequests bool `key:"log_http_requests"`
	// Whether browsers may report errors in pages.
	AcceptClientLog bool `key:"accept_client_log"`
}

// Tracker are the settings of the BitTorrent tracker.
type Tracker struct {
	// Whether there is a tracker.
	Enabled bool `key:"enabled"`
	// Whether only the files of this server are tracked.
	Private bool `key:"private"`
	// Whether a client that announces far too often is refused for some minutes.
	RejectTooManyAnnounces bool `key:"reject_too_many_announces"`
}

// Federation are the settings of federation.
type Federation struct {
	// Whether this server speaks with others.
	Enabled bool `key:"enabled"`
	// What holds for servers without a rule of their own (kinemesh federation
	// block, limit, allow): open lets them in, limited shows what they bring to
	// followers only, allowlist has nothing to do with them.
	Mode string `key:"mode" allowed:"open limited allowlist"`
	// How much one server, and one actor, may send: activities a second, and how
	// many at once after a pause. Above that the answer is 429, and nothing is lost.
	InboxLimits InboxLimits `key:"inbox_limits"`
	// Whether requests for remote documents are signed; some servers demand it.
	SignFederatedFetches bool `key:"sign_federated_fetches"`
	// Whether documents are given only to servers that sign their requests and are
	// not blocked. Some servers cannot do that; pages are read by everybody still.
	AuthorizedFetch bool `key:"authorized_fetch"`
	// How requests to a server that is not known yet are signed at first. When it
	// does not take that, the other way is tried at once and remembered.
	FirstKnock string `key:"first_knock" allowed:"draft-cavage rfc9421"`
	// How old a copy of something remote may be before it is fetched again when
	// somebody looks at it.
	RefreshAfter time.Duration `key:"refresh_after" min:"1"`
	// How many items a page of a collection holds. Fixed in PeerTube.
	CollectionPageSize int `key:"collection_page_size" min:"1" max:"100"`
	// How long a server may be away and still get what it missed when it is back.
	DeliveryRetention time.Duration `key:"delivery_retention" min:"1"`
	// What is sent of videos.
	Videos FederationVideos `key:"videos"`
	// For tests alone: servers without TLS are spoken to, on any port. The start-up
	// log warns.
	AllowHTTP bool `key:"allow_http"`
	// For tests alone: networks that may be connected to although they are private,
	// as 127.0.0.0/8. The start-up log warns.
	AllowNetworks []netip.Prefix `key:"allow_networks"`
	// Smallest RSA key accepted in signatures. Less than 2048 is for tests alone.
	MinRSABits int `key:"min_rsa_bits" min:"512" max:"8192"`
}

// InboxLimits bound what others send.
type InboxLimits struct {
	// Activities a second of one server.
	HostRate int `key:"host_rate" min:"1"`
	// How many of them at once.
	HostBurst int `key:"host_burst" min:"1"`
	// Activities a second of one actor.
	ActorRate int `key:"actor_rate" min:"1"`
	// How many of them at once.
	ActorBurst int `key:"actor_burst" min:"1"`
}

// FederationVideos says which videos are sent.
type FederationVideos struct {
	// Whether unlisted videos are sent to followers.
	FederateUnlisted bool `key:"federate_unlisted"`
}

// Views are the settings of counting views.
type Views struct {
	// Views of videos.
	Videos ViewsVideos `key:"videos"`
}

// ViewsVideos says what counts as a view.
type ViewsVideos struct {
	// Watching for so long is a view; of a shorter video, half of it.
	CountViewAfter time.Duration `key:"count_view_after" min:"0"`
	// How long the same viewer does not count again.
	ViewExpiration time.Duration `key:"view_expiration" min:"1"`
	// Whether the player may say which viewer it is. Else its address tells.
	TrustViewerSessionID bool `key:"trust_viewer_session_id"`
	// How often other servers hear of new views. Here they count at once.
	LocalBufferUpdateInterval time.Duration `key:"local_buffer_update_interval" min:"1"`
}

// Trending are the settings of what people watch now.
type Trending struct {
	// Trends of videos.
	Videos TrendingVideos `key:"videos"`
}

// TrendingVideos says what makes a trend.
type TrendingVideos struct {
	// Views of so many days make a trend.
	IntervalDays int `key:"interval_days" min:"1" max:"365"`
}

// History are the settings of what users have watched.
type History struct {
	// Videos that users have watched.
	Videos HistoryVideos `key:"videos"`
}

// HistoryVideos says how long it is remembered.
type HistoryVideos struct {
	// What was watched longer ago is forgotten. -1 keeps it for ever.
	MaxAge time.Duration `key:"max_age" min:"-1000000"` // config.Forever
}

// RemoteRedundancy says whose copies of videos are made use of.
type RemoteRedundancy struct {
	// Copies of videos.
	Videos RemoteRedundancyVideos `key:"videos"`
}

// RemoteRedundancyVideos says whose copies of videos are made use of.
type RemoteRedundancyVideos struct {
	// Whose copies players are told of: of no server, of those that this one
	// follows, or of any.
	AcceptFrom string `key:"accept_from" allowed:"nobody followings anybody"`
}

// Followers says who may follow.
type Followers struct {
	// Followers of the whole server.
	Instance FollowersInstance `key:"instance"`
	// Followers of channels.
	Channels Toggle `key:"channels"`
}

// FollowersInstance says who may follow the server.
type FollowersInstance struct {
	// Whether other servers may follow this one.
	Enabled bool `key:"enabled"`
	// Whether an administrator approves each of them.
	ManualApproval bool `key:"manual_approval"`
}

// Followings says whom the server follows by itself.
type Followings struct {
	// Follows of the whole server.
	Instance FollowingsInstance `key:"instance"`
}

// FollowingsInstance says whom the server follows by itself.
type FollowingsInstance struct {
	// Whether a server that follows this one is followed in turn.
	AutoFollowBack Toggle `key:"auto_follow_back"`
}

// Cache says how much of other servers is kept; what was fetched first goes first.
type Cache struct {
	// Pictures of videos.
	Previews CacheSize `key:"previews"`
	// Subtitles.
	Captions CacheSize `key:"captions"`
	// Pictures of the seek bar.
	Storyboards CacheSize `key:"storyboards"`
	// Avatars and banners of accounts and channels. Fixed in PeerTube.
	ActorImages CacheSize `key:"actor_images"`
}

// CacheSize is a number of files.
type CacheSize struct {
	// At most so many are kept for longer than an hour.
	Size int `key:"size" min:"0" max:"1000000000"`
}

// Toggle switches one thing on or off.
type Toggle struct {
	// On or off.
	Enabled bool `key:"enabled"`
}

// Admin is the administrator.
type Admin struct {
	// Mail address of the administrator, also of the first user root. Unset means
	// admin@ the public host name.
	Email string `key:"email"`
}

// SMTP is the way that mails leave by.
type SMTP struct {
	// How mails are handed over: smtp to a server, sendmail to a program.
	Transport string `key:"transport" allowed:"smtp sendmail"`
	// Path of the program, for the transport sendmail.
	Sendmail string `key:"sendmail"`
	// Host name of the server.
	Hostname string `key:"hostname"`
	// Port of the server: 465 with tls, else 587 or 25.
	Port int `key:"port" min:"1" max:"65535"`
	// User at the server; none when empty.
	Username string `key:"username"`
	// Password at the server.
	Password Secret `key:"password"`
	// Whether the connection is encrypted from its first byte. Off, it is encrypted
	// by STARTTLS when the server offers that.
	TLS bool `key:"tls"`
	// Whether STARTTLS is not used even when it is offered. Passwords are sent
	// readable then.
	DisableSTARTTLS bool `key:"disable_starttls"`
	// File with the certificates (PEM) of authorities that are trusted for this
	// server besides those of the system.
	CAFile string `key:"ca_file"`
	// Address that mails come from. Unset means admin.email.
	FromAddress string `key:"from_address"`
}

// Enabled tells whether mails can be sent.
func (s SMTP) Enabled() bool {
	return s.Transport == "smtp" && s.Hostname != "" || s.Transport == "sendmail" && s.Sendmail != ""
}

// Email is what mails look like.
type Email struct {
	// The text.
	Body EmailBody `key:"body"`
	// The subject.
	Subject EmailSubject `key:"subject"`
}

// EmailBody is what the text of mails looks like.
type EmailBody struct {
	// Last line of each mail. {{instanceName}} stands for instance.name.
	Signature string `key:"signature"`
}

// EmailSubject is what the subject of mails looks like.
type EmailSubject struct {
	// Beginning of each subject. {{instanceName}} stands for instance.name.
	Prefix string `key:"prefix"`
}

// ContactForm is the form by which visitors write to the administrator. It needs
// a mail server.
type ContactForm struct {
	// Whether there is one.
	Enabled bool `key:"enabled"`
	// How often one address may write. Fixed in PeerTube.
	Interval time.Duration `key:"interval" min:"1"`
}

// Webadmin says what administrators may do without the file.
type Webadmin struct {
	// Settings.
	Configuration WebadminConfiguration `key:"configuration"`
}

// WebadminConfiguration says whether settings may be changed without the file.
type WebadminConfiguration struct {
	// Changing settings while the server runs. They are kept in the database and
	// hold on top of the file.
	Edition WebadminEdition `key:"edition"`
}

// WebadminEdition says whether settings may be changed without the file.
type WebadminEdition struct {
	// Whether administrators may change settings.
	Allowed bool `key:"allowed"`
}

// BroadcastMessage is a message on every page.
type BroadcastMessage struct {
	// Whether it is shown.
	Enabled bool `key:"enabled"`
	// The message, in Markdown.
	Message string `key:"message"`
	// How important it is.
	Level string `key:"level" allowed:"info warning error"`
	// Whether visitors may close it.
	Dismissable bool `key:"dismissable"`
}

// Signup are the settings of registration.
type Signup struct {
	// Whether visitors may register.
	Enabled bool `key:"enabled"`
	// Most users; nobody registers beyond it. -1 for no limit.
	Limit int `key:"limit" min:"-1" max:"1000000000"`
	// Least age asked for.
	MinimumAge int `key:"minimum_age" min:"0" max:"150"`
	// Whether a moderator approves each registration.
	RequiresApproval bool `key:"requires_approval"`
	// Whether the mail address is verified first.
	RequiresEmailVerification bool `key:"requires_email_verification"`
	// Who may register.
	Filters SignupFilters `key:"filters"`
}

// SignupFilters restricts registration by address.
type SignupFilters struct {
	// Networks.
	CIDR SignupCIDR `key:"cidr"`
}

// SignupCIDR restricts registration to or from networks.
type SignupCIDR struct {
	// Only these networks may register, when there are any.
	Whitelist []netip.Prefix `key:"whitelist"`
	// These networks may not.
	Blacklist []netip.Prefix `key:"blacklist"`
}

// User are the defaults of new users.
type User struct {
	// What new users want kept of what they watch.
	History UserHistory `key:"history"`
	// Size of all uploads of a user. -1 for no limit.
	VideoQuota Size `key:"video_quota"`
	// Size of the uploads of a user within 24 hours. -1 for no limit.
	VideoQuotaDaily Size `key:"video_quota_daily"`
	// Name of a user's first channel; $1 is the user's name.
	DefaultChannelName string `key:"default_channel_name"`
	// Rules for passwords.
	PasswordConstraints PasswordConstraints `key:"password_constraints"`
	// How long the links of mails are good. Fixed in PeerTube.
	Links UserLinks `key:"links"`
}

// UserHistory says what new users want kept of what they watch, each until they
// decide otherwise.
type UserHistory struct {
	// The videos, and where they stopped.
	Videos Toggle `key:"videos"`
}

// UserLinks says how long the links of mails are good.
type UserLinks struct {
	// That which verifies an address.
	VerifyEmail time.Duration `key:"verify_email" min:"1"`
	// That which lets a forgotten password be set anew.
	ResetPassword time.Duration `key:"reset_password" min:"1"`
	// That which lets a new user set a password.
	Invitation time.Duration `key:"invitation" min:"1"`
}

// PasswordConstraints are the rules for passwords.
type PasswordConstraints struct {
	// Fewest characters. PeerTube's default is 8 too, and so is our lower limit.
	MinLength int `key:"min_length" min:"8" max:"255"`
}

// VideoComments are the settings of comments.
type VideoComments struct {
	// Whether comments of other servers are taken.
	AcceptRemoteComments bool `key:"accept_remote_comments"`
}

// Notifications are what users are told of. The section is not in PeerTube.
type Notifications struct {
	// Notifications are removed after so long, read or not.
	MaxAge time.Duration `key:"max_age" min:"1"`
}

// AutoBlacklist says which videos are blocked until a moderator has looked.
type AutoBlacklist struct {
	// By where they come from.
	Videos AutoBlacklistVideos `key:"videos"`
}

// AutoBlacklistVideos says so of videos.
type AutoBlacklistVideos struct {
	// New videos of users, but for those whom an administrator lets bypass it.
	OfUsers Toggle `key:"of_users"`
}

// VideoChannels are the settings of channels.
type VideoChannels struct {
	// Most channels of one user.
	MaxPerUser int `key:"max_per_user" min:"1" max:"1000000"`
}
