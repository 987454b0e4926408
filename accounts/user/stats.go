package user

// Stats is what a user did, as administrators see it.
type Stats struct {
	Videos         int64 `json:"videosCount"`
	Abuses         int64 `json:"abusesCount"`         // of what is the user's
	AbusesAccepted int64 `json:"abusesAcceptedCount"` // those of them that moderators accepted
	AbusesCreated  int64 `json:"abusesCreatedCount"`  // by the user
	Comments       int64 `json:"videoCommentsCount"`
}

// SpecialPlaylist is a playlist that every user has.
type SpecialPlaylist struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	Type int    `json:"type"`
}
