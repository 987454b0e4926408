package user

// Stats is what a user did, as administrators see it.
type Stats struct {
	Videos         int64 `json:"videosCount"`
	Abuses         int64 `json:"abusesCount"`         // that others made of the user's things
	AbusesAccepted int64 `json:"abusesAcceptedCount"` // of those that the user made
	AbusesCreated  int64 `json:"abusesCreatedCount"`
	Comments       int64 `json:"videoCommentsCount"`
}

// SpecialPlaylist is a playlist that every user has.
type SpecialPlaylist struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	Type int    `json:"type"`
}
