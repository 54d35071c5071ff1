// Package proto owns what the writer, its storage nodes and their peers say to each other: the
// identities, the messages and the Node interface that both the TCP transport and a direct call in
// one process serve.
//
// Rules that every implementation keeps (architecture.md sections 2 to 5):
//   - Every request names the volume epoch of its sender. A node refuses an older one (StatusStaleEpoch)
//     and durably adopts a newer one only by Fence.
//   - Every request about a segment names its PG's membership epoch and the segment's incarnation, and
//     every request that walks a chain the history version; a mismatch is answered with the
//     status that says which is stale, and changes nothing.
//   - An answer that counts in a quorum comes from an active segment of the incarnation in the
//     membership. A hydrating segment accepts log and answers Hydrating.
//   - All operations are idempotent: a duplicate or late message never changes what was acknowledged.
package proto

import (
	"fmt"
	"time"

	"github.com/zoryadb/zorya/storage/page"
)

// VolumeID names a volume. A branch is a volume of its own; the volumes of one family share slices.
type VolumeID [16]byte

func (v VolumeID) String() string { return fmt.Sprintf("%x", v[:]) }

// NodeID names a storage node, at most 63 bytes, unique in a cluster; it survives restarts.
type NodeID string

// PG is the index of a protection group in its volume: page number / PagesPerPG.
type PG uint32

// SegmentKey names one replica slot on a node.
type SegmentKey struct {
	Volume VolumeID // family's root volume
	PG     PG
}

func (k SegmentKey) String() string { return fmt.Sprintf("%.8s/%d", k.Volume, k.PG) }

// Kind says what a segment keeps.
type Kind uint8

// A Full segment keeps log and pages and serves reads; a Tail keeps log only.
const (
	Full Kind = 1
	Tail Kind = 2
)

// Member is one replica of a PG.
type Member struct {
	Node        NodeID
	AZ          string
	Kind        Kind
	Incarnation uint64 // which life of the segment counts; a wiped one returns under a higher number
}

// Quorum is the quorum model of a PG: a write needs WriteAny members or, if WriteFull > 0, WriteFull
// full members; recovery needs ReadAny members of which ReadFull are full.
type Quorum struct {
	WriteAny, WriteFull, ReadAny, ReadFull int
}

// SixWay is Aurora's model over three AZs with three full and three tail members.
var SixWay = Quorum{WriteAny: 4, WriteFull: 3, ReadAny: 3, ReadFull: 1}

// Membership is a PG's configuration under one membership epoch.
type Membership struct {
	Epoch   uint64
	Quorum  Quorum
	Members []Member
}

// Interval is a live stretch (From, To] of a timeline's LSNs.
type Interval struct {
	Timeline uint32
	From, To page.LSN
}

// MaxLSN is the open end of the last interval of a history.
const MaxLSN page.LSN = 1<<62 - 1

// History is the versioned list of live intervals, ascending and disjoint. Every truncation (later:
// backtrack, branch) installs a longer one under a new epoch on a write quorum. Versions of one
// volume are totally ordered; version = epoch<<16 | n.
type History struct {
	Version   uint64
	Intervals []Interval
}

// Live reports whether lsn lies in a live interval.
func (h *History) Live(lsn page.LSN) bool {
	for i := len(h.Intervals) - 1; i >= 0; i-- {
		if iv := &h.Intervals[i]; lsn > iv.From {
			return lsn <= iv.To
		}
	}
	return false
}

// Geometry is how a volume's pages map to PGs.
type Geometry struct {
	PagesPerPG uint32 // 655,360 (10 GiB) unless a test wants growth
	PGs        uint32
}

// Descriptor is what the metadata store knows of a volume. PGs[i] is the membership of PG i.
type Descriptor struct {
	Volume     VolumeID
	Timeline   uint32
	Epoch      uint64 // volume epoch: the current (or last) writer's
	Writer     string // instance that holds the epoch
	PagesPerPG uint32
	PGs        []Membership
}

// Status is the outcome of a request, for one segment or for a whole frame.
type Status uint8

// Statuses. All but OK leave the node as it was.
const (
	OK                   Status = iota
	StatusStaleEpoch            // the node knows a newer volume epoch: the sender is fenced
	StatusStaleMembers          // newer membership epoch known, or the incarnation is not this one
	StatusStaleHistory          // newer history version known: adopt it, ask again
	StatusUnknownHistory        // the node has an older history: install it, ask again
	StatusNoSegment             // no such segment here
	StatusHydrating             // accepted, but counts in no quorum
	StatusBehind                // a read this segment's SCL does not suffice for
	StatusGone                  // a read point below the segment's horizon
	StatusBusy                  // back-pressure: too far behind, try later
	StatusFull                  // no disk space: the node has stepped back
	StatusRetired               // the segment failed (fsync error, damage) and must be replaced
	StatusBad                   // malformed request
	StatusFailed                // I/O error; the message says which
)

// SegmentStatus is one segment's answer in an ack.
type SegmentStatus struct {
	PG          PG
	Incarnation uint64
	Status      Status
	SCL         page.LSN // inclusive; durable on this node
}

// Run is a stretch of records of one PG inside a frame.
type Run struct {
	PG              PG
	Incarnation     uint64
	MembershipEpoch uint64
	Bytes           uint32 // of the frame's record bytes, in order of the runs
}

// AppendFrame carries records to one node. A frame without bytes is a heartbeat: its runs (Bytes 0)
// name idle segments, so that VDL and PGMRPL reach them.
type AppendFrame struct {
	Volume   VolumeID
	Timeline uint32
	Epoch    uint64
	History  uint64 // version
	VDL      page.LSN
	MRPL     page.LSN // PGMRPL: no instance reads below it
	Runs     []Run
	// Records are the encoded records in LSN order, in pieces that are concatenated on the wire.
	Records [][]byte
}

// AppendAck answers a frame once its records are durable on the node.
type AppendAck struct {
	Status   Status // not OK: the whole frame was refused
	Epoch    uint64 // the node's volume epoch
	Segments []SegmentStatus
}

// PageRead asks one full segment for versions of its pages.
type PageRead struct {
	Volume          VolumeID
	Timeline        uint32
	Epoch           uint64
	History         uint64
	PG              PG
	Incarnation     uint64
	MembershipEpoch uint64
	ReadLSN         page.LSN // newest version at or below
	PGLSN           page.LSN // the PG's last LSN at or below ReadLSN: the SCL that suffices
	Pages           []page.No
}

// MaxPageRead bounds the pages of one PageRead.
const MaxPageRead = 256

// FenceRequest installs an epoch and a history on every segment of a volume that the node holds, and
// samples them in the same durable step. PGs narrows it (nil: all).
type FenceRequest struct {
	Volume   VolumeID
	Timeline uint32
	Epoch    uint64
	Writer   string
	History  History
	PGs      []PG
}

// FenceReply is a node's sample. If the node knows a newer history it answers StatusStaleHistory with
// that history and has installed only the epoch.
type FenceReply struct {
	Status   Status
	Epoch    uint64
	History  History
	Segments []Sample
}

// Sample is what recovery needs of one segment, under the history of the request.
type Sample struct {
	PG              PG
	Kind            Kind
	Incarnation     uint64
	MembershipEpoch uint64
	Status          Status // OK, StatusHydrating or StatusRetired
	SCL             page.LSN
	VDL             page.LSN // the highest VDL this segment was ever told
	MRPL            page.LSN
	AtVDL           page.LSN   // newest live record of the PG at or below VDL (0: none)
	Above           []ChainLSN // live records linked from AtVDL up to SCL, ascending
}

// ChainLSN is a record's place in the volume chain.
type ChainLSN struct {
	LSN, PrevVolume, PrevPG page.LSN
	Epoch                   uint64
	CPL                     bool
}

// HistoryRequest installs a newer history (a truncation) durably under the sender's epoch.
type HistoryRequest struct {
	Volume   VolumeID
	Timeline uint32
	Epoch    uint64
	History  History
}

// MaxRetain bounds the retain points of a volume.
const MaxRetain = 4096

// RetainRequest replaces the retain points of every segment of a volume that a node holds. A retain point stays readable below the horizon for as
// long as the list has it. Versions are chosen by who keeps the list and grow: what is older than a segment knows changes nothing there.
type RetainRequest struct {
	Volume   VolumeID
	Timeline uint32
	Epoch    uint64
	History  uint64 // version
	Version  uint64
	Points   []page.LSN // ascending, at most MaxRetain
}

// RetainReply says how each segment stands, durably: OK when it holds every point; StatusGone when some lie below what it could
// still read when they came: those it has left out, and another full member has to serve them; StatusHydrating when it holds them but counts in no
// quorum. A tail holds no pages and answers OK: it does not count. Status is not OK when the whole request was refused.
type RetainReply struct {
	Status   Status
	Segments []SegmentStatus
}

// SegmentSpec creates a segment, changes its membership, or asks it to hydrate.
type SegmentSpec struct {
	Volume     VolumeID
	Timeline   uint32
	Epoch      uint64
	History    History
	PG         PG
	PagesPerPG uint32
	Membership Membership
	Member     Member // this replica's entry, or its proposed new life
	// Hydrate: the PG may already hold data. The segment starts in the hydrating state and fills itself
	// from the members of Membership. Otherwise it starts active and empty.
	Hydrate bool
}

// LogRequest asks a peer for live records of a PG with LSN in (From, To], following the PG chain.
type LogRequest struct {
	Volume          VolumeID
	Timeline        uint32
	Epoch           uint64
	History         uint64
	PG              PG
	MembershipEpoch uint64
	From, To        page.LSN
	MaxBytes        uint32
}

// LogReply carries records in chain order. It ends early at MaxBytes or at the sender's SCL.
type LogReply struct {
	Status Status
	Epoch  uint64
	SCL    page.LSN
	VDL    page.LSN
	MRPL   page.LSN
	Floor  page.LSN // log at or below was dropped here: a From below it needs a baseline first
	// History is filled when Status is StatusStaleHistory: a member that slept through a truncation
	// learns of it from its peers.
	History History
	// Membership is filled when Status is StatusStaleMembers.
	Membership Membership
	Records    []byte
}

// BaselineRequest asks a full peer for page images as of one point that it can read, a batch at a time, in page
// order: the pages at or above Next.
type BaselineRequest struct {
	Volume          VolumeID
	Timeline        uint32
	Epoch           uint64
	History         uint64
	PG              PG
	MembershipEpoch uint64
	At              page.LSN // 0: the sender chooses and says so; later batches repeat it
	Next            page.No
	MaxPages        uint32
}

// BaselineReply carries sealed pages (16 KiB each, number in the header). Done says there are no more.
type BaselineReply struct {
	Status  Status
	At      page.LSN // images are as of this LSN; log from here on completes them
	PGLSN   page.LSN // the PG's last LSN at or below At
	Next    page.No
	Done    bool
	Pages   []byte
	PageLSN []page.LSN
}

// SegmentInfo is one segment in NodeInfo, for status and metrics.
type SegmentInfo struct {
	Volume          VolumeID
	PG              PG
	Kind            Kind
	Incarnation     uint64
	MembershipEpoch uint64
	Status          Status
	SCL, VDL, MRPL  page.LSN
	Highest         page.LSN // newest record seen, also beyond a gap
	Horizon         page.LSN
	LogBytes        uint64
	ImageBytes      uint64
	Hydrated        float64 // 0..1 while hydrating
	Repairs         uint64  // damaged blocks repaired from a peer
}

// NodeInfo is a node's own account.
type NodeInfo struct {
	Node       NodeID
	AZ         string
	Started    time.Time
	QueueBytes uint64 // persisted, not yet organised
	DiskFree   uint64
	// Since the node started: blocks whose checksum failed, those of them that were mended, whole rounds of verification, and how many
	// rounds in a row up to now met no damage.
	Damaged, Repaired, ScrubRounds, CleanRounds uint64
	Segments                                    []SegmentInfo
}
