package proto

import (
	"context"
	"errors"
)

// Node is a storage node as an instance or a peer sees it: a TCP client (storage/transport) or the
// node itself in one process. Methods are safe for concurrent use. An error means that the node could not be
// asked or its answer not be had; a refusal is a Status in the reply.
type Node interface {
	// Append sends a frame. done is called once, from any goroutine, with the ack or an error; it must not
	// block. The frame and its record bytes belong to the callee until then, the ack to the caller until done returns. Frames of one caller are
	// received in the order of the calls.
	Append(f *AppendFrame, done func(*AppendAck, error))
	// GetPages reads r.Pages into dst (each page.Size long, verified against its checksum). An absent page
	// is all zeros.
	GetPages(ctx context.Context, r *PageRead, dst [][]byte) (Status, error)
	Fence(ctx context.Context, r *FenceRequest) (*FenceReply, error)
	InstallHistory(ctx context.Context, r *HistoryRequest) (Status, error)
	CreateSegment(ctx context.Context, r *SegmentSpec) (Status, error)
	// InstallMembership adopts a newer membership of a PG durably; it also ends the hydrating state of the
	// incarnation it admits.
	InstallMembership(ctx context.Context, r *SegmentSpec) (Status, error)
	// Retain replaces the retain points of a volume, durably.
	Retain(ctx context.Context, r *RetainRequest) (*RetainReply, error)
	FetchLog(ctx context.Context, r *LogRequest) (*LogReply, error)
	FetchBaseline(ctx context.Context, r *BaselineRequest) (*BaselineReply, error)
	Info(ctx context.Context) (*NodeInfo, error)
	// Close releases the connection, not the node.
	Close() error
}

// Dialer finds a node by id; it answers from what it last knew of the cluster, so that the data
// plane works while the metadata store does not. The connection is shared and redialled as needed.
type Dialer interface {
	Dial(id NodeID) (Node, error)
}

// Meta is the metadata store as the data plane uses it: to open, to grow and to change membership,
// never to read or write pages. Updates are compare-and-swap on the descriptor's epochs.
type Meta interface {
	// Load returns the descriptor of a volume.
	Load(ctx context.Context, v VolumeID) (*Descriptor, error)
	// NextEpoch raises the volume epoch by one in writer's name and returns the descriptor that holds it.
	NextEpoch(ctx context.Context, v VolumeID, writer string) (*Descriptor, error)
	// AddPG appends PG number pg (== len(PGs)) under epoch.
	AddPG(ctx context.Context, v VolumeID, epoch uint64, pg PG, m Membership) (*Descriptor, error)
	// SetMembership replaces a PG's membership; m.Epoch must be the stored one plus one.
	SetMembership(ctx context.Context, v VolumeID, epoch uint64, pg PG, m Membership) (*Descriptor, error)
	// Place chooses the members of a new PG: the layout of the quorum over the AZs.
	Place(ctx context.Context, v VolumeID, pg PG) (Membership, error)
}

// Errors of Meta.
var (
	// ErrFenced means that a newer volume epoch exists: the caller is no longer the writer.
	ErrFenced = errors.New("volume has a newer writer")
	// ErrConflict means that the stored membership was not the expected one.
	ErrConflict = errors.New("metadata changed underneath")
	ErrNoVolume = errors.New("no such volume")
)
