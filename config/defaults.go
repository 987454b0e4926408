package config

import "time"

// Default returns the settings of a server that was told nothing. Values that
// follow from others (folders, the public address) are empty until
// [Config.Complete].
func Default() *Config {
	return &Config{
		DataDir:    "./data",
		Listen:     Listen{Hostname: "127.0.0.1", Port: 9000},
		TrustProxy: []string{"loopback"},
		Database:   Database{Port: 5432},
		Redis:      Redis{Port: 6379},
		OAuth2: OAuth2{TokenLifetime: TokenLifetime{
			AccessToken:  24 * time.Hour,
			RefreshToken: 2 * week,
		}},
		RatesLimit: RatesLimit{
			API:    RateLimit{10 * time.Second, 50},
			Login:  RateLimit{5 * time.Minute, 15},
			Signup: RateLimit{5 * time.Minute, 2},

			AskSendEmail: RateLimit{5 * time.Minute, 3},

			ReceiveClientLog: RateLimit{time.Minute, 30},
			ActivityPub:      RateLimit{10 * time.Second, 500},
			Client:           RateLimit{10 * time.Second, 500},
			WellKnown:        RateLimit{10 * time.Second, 200},
			Feeds:            RateLimit{10 * time.Second, 50},

			DownloadGenerateVideo: RateLimit{5 * time.Second, 5},
		},
		HTTPTimeouts:     HTTPTimeouts{Request: 5 * time.Minute},
		StaticFiles:      StaticFiles{PrivateFilesRequireAuth: true},
		Log:              Log{Level: "info", AcceptClientLog: true},
		Tracker:          Tracker{Enabled: true, Private: true},
		Federation:       Federation{Enabled: true, Mode: "open", InboxLimits: InboxLimits{HostRate: 50, HostBurst: 500, ActorRate: 10, ActorBurst: 100}, SignFederatedFetches: true, FirstKnock: "draft-cavage", RefreshAfter: 48 * time.Hour, CollectionPageSize: 10, DeliveryRetention: 30 * 24 * time.Hour, MinRSABits: secureRSABits},
		Followers:        Followers{Instance: FollowersInstance{Enabled: true}, Channels: Toggle{true}},
		SMTP:             SMTP{Transport: "smtp", Port: 465, TLS: true},
		Email:            Email{Body: EmailBody{Signature: "{{instanceName}}"}, Subject: EmailSubject{Prefix: "[{{instanceName}}]"}},
		Webadmin:         Webadmin{Configuration: WebadminConfiguration{Edition: WebadminEdition{Allowed: true}}},
		ContactForm:      ContactForm{Enabled: true, Interval: time.Hour},
		BroadcastMessage: BroadcastMessage{Level: "info"},
		Signup:           Signup{Limit: 10, MinimumAge: 16, RequiresApproval: true},
		User:             defaultUser(),
		Notifications:    Notifications{MaxAge: 180 * 24 * time.Hour},
		VideoChannels:    VideoChannels{MaxPerUser: 20},
		VideoComments:    VideoComments{AcceptRemoteComments: true},
		Upload:           Upload{MaxFileSize: Unlimited, ExpireAfter: 24 * time.Hour},
		ActorImages: ActorImages{
			AvatarSizes: []ImageSize{{1500, 1500}, {600, 600}, {120, 120}, {48, 48}},
			BannerSizes: []ImageSize{{1920, 317}, {600, 100}},
		},
		Thumbnails: Thumbnails{Sizes: []ImageSize{{280, 157}, {850, 480}}},
		Transcoding: Transcoding{
			Enabled:                           true,
			Threads:                           1,
			Concurrency:                       1,
			Resolutions:                       Resolutions{R480: true, R720: true},
			AlwaysTranscodeOriginalResolution: true,
			FPS:                               FPS{Max: 60},
			WebVideos:                         Toggle{true},
			HLS:                               Toggle{true},
		},
		Storyboards:           Toggle{true},
		Cache:                 Cache{Previews: CacheSize{500}, Captions: CacheSize{500}, Storyboards: CacheSize{500}, ActorImages: CacheSize{10_000}},
		DownloadGenerateVideo: DownloadGenerateVideo{MaxParallelDownloads: 100},
		Feeds:                 Feeds{Videos: FeedSize{20}, Comments: FeedSize{20}},
		Views: Views{Videos: ViewsVideos{
			CountViewAfter: 10 * time.Second, ViewExpiration: time.Hour, TrustViewerSessionID: true,
			LocalBufferUpdateInterval: 30 * time.Minute,
		}},
		Trending:         Trending{Videos: TrendingVideos{IntervalDays: 7}},
		History:          History{Videos: HistoryVideos{MaxAge: Forever}},
		RemoteRedundancy: RemoteRedundancy{Videos: RemoteRedundancyVideos{AcceptFrom: "anybody"}},

		Schedulers: Schedulers{
			UpdateVideos: time.Minute, RemoveOldUploads: time.Hour, RemoveOldSessions: time.Hour, RemoveOldNotifications: day,
			RemoveOldHistory: day, ExpireRedundancy: time.Hour, RemoveOldJobs: time.Hour,
		},
		Search:   Search{RemoteURI: RemoteURI{Users: true}},
		Instance: defaultInstance(),
		Client: Client{Videos: ClientVideos{ResumableUpload: ResumableUpload{
			MaxChunkSize: 10 * MiB,
		}}},
		WebRTC: WebRTC{STUNServers: []string{
			"stun:stunserver2025.stunprotocol.org",
			"stun:stun.framasoft.org",
			"stun:stun.l.google.com:19302",
			"stun:stun1.l.google.com:19302",
		}},
		Defaults: Defaults{
			Publish: DefaultsPublish{DownloadEnabled: true, CommentsPolicy: 1, Privacy: 1},
			P2P:     DefaultsP2P{Webapp: Toggle{true}, Embed: Toggle{true}},
			Player:  DefaultsPlayer{AutoPlay: true},
		},
	}
}

func defaultUser() User {
	return User{
		History:             UserHistory{Videos: Toggle{true}},
		VideoQuota:          Unlimited,
		VideoQuotaDaily:     Unlimited,
		DefaultChannelName:  "Main $1 channel",
		PasswordConstraints: PasswordConstraints{MinLength: 8},
		Links:               UserLinks{VerifyEmail: time.Hour, ResetPassword: time.Hour, Invitation: week},
	}
}

func defaultInstance() Instance {
	return Instance{
		Name:              "Kinemesh",
		ShortDescription:  "Videos, federated and shared between viewers.",
		DefaultLanguage:   "en",
		DefaultNSFWPolicy: "do_not_list",
		Robots:            "User-agent: *\nDisallow:\n",
	}
}
