package jobs

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// epochKey lives in the broker and dies with its data: another value means that
// every row must be offered again.
const epochKey = "kinemesh:epoch"

var errOwner = errors.New("redis: this database holds the queues")

// broker is the Redis behind asynq.
type broker struct {
	opt      asynq.RedisConnOpt
	client   redis.UniversalClient
	embedded *miniredis.Miniredis // nil: a real Redis
	owner    string
}

// openBroker connects to the Redis at url, or starts one in the process when
// url is empty. A Redis that does not answer is not an error: jobs wait in the
// table until it does.
func openBroker(url, owner string) (*broker, error) {
	b := &broker{owner: owner}
	if url == "" {
		m := miniredis.NewMiniRedis()
		password := randomHex(16)
		m.RequireAuth(password) // other users of the machine can reach the port
		if err := m.StartAddr("127.0.0.1:0"); err != nil {
			return nil, fmt.Errorf("embedded broker: %w", err)
		}
		b.embedded = m
		b.opt = asynq.RedisClientOpt{Addr: m.Addr(), Password: password}
	} else {
		opt, err := asynq.ParseRedisURI(url)
		if err != nil {
			return nil, fmt.Errorf("redis: %w", err)
		}
		b.opt = opt
	}
	c, ok := b.opt.MakeRedisClient().(redis.UniversalClient)
	if !ok {
		return nil, fmt.Errorf("redis: client of unknown type")
	}
	b.client = c
	return b, nil
}

// run moves the embedded broker's clock, without which its keys never expire.
func (b *broker) run(ctx context.Context) {
	if b.embedded == nil {
		return
	}
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			b.embedded.FastForward(time.Second)
		}
	}
}

// epoch returns the mark of the broker's present life, setting one when its
// data are new. The mark carries the owner: two servers in one Redis database
// would run each other's rows, so the second one gets an error.
func (b *broker) epoch(ctx context.Context) (string, error) {
	e, err := b.client.Get(ctx, epochKey).Result()
	if errors.Is(err, redis.Nil) {
		if err := b.client.SetNX(ctx, epochKey, b.owner+" "+randomHex(8), 0).Err(); err != nil {
			return "", err
		}
		e, err = b.client.Get(ctx, epochKey).Result()
	}
	if err != nil {
		return "", err
	}
	if owner, _, _ := strings.Cut(e, " "); owner != b.owner {
		return "", fmt.Errorf("%w of %s; give each server a number of its own (redis.db)", errOwner, owner)
	}
	return e, nil
}

func (b *broker) close() error {
	err := b.client.Close()
	if b.embedded != nil {
		b.embedded.Close()
	}
	return err
}

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}
