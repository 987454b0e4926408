package catalog

import (
	"fmt"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
)

// The counts on a video's row change here alone. Of a local video they follow
// the rows of its comments, rates and views; of a remote one its origin's word
// wins (SEC-17).

// CountComments adds to the comments that readers of a video see.
func CountComments(tx *db.Tx, videoID, delta int64) error {
	return count(tx, videoID, "comments = comments + ?", delta)
}

// CountRates adds to the likes and dislikes of a video.
func CountRates(tx *db.Tx, videoID, likes, dislikes int64) error {
	// What others say of a remote video may be less than what we counted on it.
	return count(tx, videoID, "likes = CASE WHEN likes + ? < 0 THEN 0 ELSE likes + ? END, "+
		"dislikes = CASE WHEN dislikes + ? < 0 THEN 0 ELSE dislikes + ? END", likes, likes, dislikes, dislikes)
}

// SetRates writes the likes and dislikes that the origin of a remote video
// tells; those of a local one stay.
func SetRates(tx *db.Tx, videoID, likes, dislikes int64) error {
	if likes < 0 || dislikes < 0 {
		return fmt.Errorf("count: %d likes, %d dislikes", likes, dislikes)
	}
	err := tx.Exec("UPDATE videos SET likes = ?, dislikes = ? WHERE id = ? AND local = ?", likes, dislikes, videoID, false).Error
	if err != nil {
		return fmt.Errorf("set rates: %w", err)
	}
	return nil
}

func count(tx *db.Tx, videoID int64, set string, args ...any) error {
	if err := tx.Exec("UPDATE videos SET "+set+" WHERE id = ?", append(args, videoID)...).Error; err != nil {
		return fmt.Errorf("count: %w", err)
	}
	return nil
}

// CrawlDue tells whether a collection of a remote video was not read for a
// while, and if so notes that it is read now.
func CrawlDue(tx *db.Tx, videoID int64, collection string, every time.Duration) (bool, error) {
	now := db.Now()
	res := tx.Exec(`INSERT INTO video_crawls (video_id, collection, read_at) VALUES (?, ?, ?)
 ON CONFLICT (video_id, collection) DO UPDATE SET read_at = excluded.read_at WHERE video_crawls.read_at < ?`,
		videoID, collection, now, now.Add(-every))
	if res.Error != nil {
		return false, fmt.Errorf("note crawl: %w", res.Error)
	}
	return res.RowsAffected > 0, nil
}
