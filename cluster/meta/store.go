package meta

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/zoryadb/zorya/storage/proto"
)

// ErrNewerFormat means that the metadata was written by a newer version of Zorya.
var ErrNewerFormat = errors.New("metadata has a newer format")

// RequestTimeout bounds one request to etcd whose caller gave no deadline of its own.
const RequestTimeout = 5 * time.Second

// DefaultPagesPerPG makes a protection group 10 GiB of 16 KiB pages.
const DefaultPagesPerPG = 655360

var clusterName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// ValidName reports whether s can name a cluster, node or instance: a host label of lower-case letters, digits
// and hyphens, at most 63 bytes.
func ValidName(s string) bool { return clusterName.MatchString(s) }

// Store is the metadata of one cluster. It is safe for concurrent use.
type Store struct {
	client *clientv3.Client
	keys   keys
	id     string
}

// Cluster is what every process of a cluster has to know of it.
type Cluster struct {
	ID      string         `json:"id"`
	Volume  proto.VolumeID `json:"volume"`
	Created time.Time      `json:"created"`
}

// Options open a Store.
type Options struct {
	Endpoints []string // of etcd, host:port
	Cluster   string   // the cluster's id
	// TLS is how to speak to etcd; nil: in clear. An endpoint that begins with http:// is spoken to in clear all the same,
	// so that an etcd of one's own may be without.
	TLS *tls.Config
}

// Open connects to etcd. It does not wait for it to answer: requests do.
func Open(o Options) (*Store, error) {
	if !ValidName(o.Cluster) {
		return nil, fmt.Errorf("cluster id %q: want 1 to 63 lower-case letters, digits and hyphens", o.Cluster)
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints:            o.Endpoints,
		TLS:                  o.TLS,
		DialTimeout:          RequestTimeout,
		DialKeepAliveTime:    5 * time.Second,
		DialKeepAliveTimeout: 3 * time.Second,
		MaxCallSendMsgSize:   8 << 20,
		MaxCallRecvMsgSize:   64 << 20, // a volume's 13,108 memberships in one answer
		BackoffWaitBetween:   25 * time.Millisecond,
		Logger:               zap.NewNop(), // errors reach the caller
	})
	if err != nil {
		return nil, fmt.Errorf("connect to metadata store %v: %w", o.Endpoints, err)
	}
	return &Store{client: client, keys: newKeys(o.Cluster), id: o.Cluster}, nil
}

// Close ends the connection to etcd.
func (s *Store) Close() error { return s.client.Close() }

// Ensure returns the cluster's record, creating it and its empty volume if there is none yet. pagesPerPG is the
// geometry of a volume that is created (0: DefaultPagesPerPG).
func (s *Store) Ensure(ctx context.Context, pagesPerPG uint32) (*Cluster, error) {
	if pagesPerPG == 0 {
		pagesPerPG = DefaultPagesPerPG
	}
	c := Cluster{ID: s.id, Created: time.Now().UTC()}
	if _, err := rand.Read(c.Volume[:]); err != nil {
		return nil, fmt.Errorf("draw a volume id: %w", err)
	}
	h := head{PagesPerPG: pagesPerPG, Timeline: 1}
	_, err := s.client.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(s.keys.cluster()), "=", 0)).
		Then(
			clientv3.OpPut(s.keys.format(), strconv.Itoa(FormatVersion)),
			clientv3.OpPut(s.keys.cluster(), encode(c)),
			clientv3.OpPut(s.keys.head(c.Volume), encode(h)),
		).Commit()
	if err != nil {
		return nil, fmt.Errorf("create cluster %s in the metadata store: %w", s.id, err)
	}
	return s.Cluster(ctx)
}

// Cluster reads the cluster's record.
func (s *Store) Cluster(ctx context.Context) (*Cluster, error) {
	resp, err := s.client.Txn(ctx).Then(clientv3.OpGet(s.keys.format()), clientv3.OpGet(s.keys.cluster())).Commit()
	if err != nil {
		return nil, fmt.Errorf("read cluster %s: %w", s.id, err)
	}
	format, cluster := resp.Responses[0].GetResponseRange().Kvs, resp.Responses[1].GetResponseRange().Kvs
	if len(format) == 0 || len(cluster) == 0 {
		return nil, fmt.Errorf("no cluster %s in the metadata store", s.id)
	}
	if n, err := strconv.Atoi(string(format[0].Value)); err != nil || n > FormatVersion {
		return nil, fmt.Errorf("cluster %s: %w: %q, this version reads up to %d", s.id, ErrNewerFormat, format[0].Value, FormatVersion)
	}
	var c Cluster
	if err := json.Unmarshal(cluster[0].Value, &c); err != nil {
		return nil, fmt.Errorf("decode %s: %w", s.keys.cluster(), err)
	}
	return &c, nil
}

// encode is for the package's own types, which always marshal.
func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("meta: marshal %T: %v", v, err))
	}
	return string(b)
}

// parsePG reads the PG number off the end of its key.
func parsePG(key []byte) (proto.PG, error) {
	if len(key) < 8 {
		return 0, fmt.Errorf("metadata key %q names no protection group", key)
	}
	n, err := strconv.ParseUint(string(key[len(key)-8:]), 16, 32)
	if err != nil || n > math.MaxUint32 {
		return 0, fmt.Errorf("metadata key %q names no protection group", key)
	}
	return proto.PG(n), nil
}
