package segment

// Mutants is a set of rules to break on purpose, so that tests can prove that they would notice.
type Mutants uint32

// The rules, each decided in one place.
const (
	// MutAckBeforeSync acknowledges what was received, not what is durable (Submit).
	MutAckBeforeSync Mutants = 1 << iota
	// MutSampleUnfenced samples without installing the epoch (Fence).
	MutSampleUnfenced
	// MutTruncationVolatile forgets a history at the next crash (adoptHistory).
	MutTruncationVolatile
	// MutGossipNoEpoch neither checks a gossiping peer's epoch and history nor holds records
	// against the history (CheckLog, BeginReply, admits).
	MutGossipNoEpoch
	// MutImageAboveVDL lets images be made of anything received (ImageLimit).
	MutImageAboveVDL
	// MutGCIgnoresPin ignores retain points and MRPL (Needed, GCLimit).
	MutGCIgnoresPin
	// MutReadAboveSCL serves pages whose records may not be here yet (CheckRead).
	MutReadAboveSCL
	// MutWipedVotes lets a hydrating segment count (Status).
	MutWipedVotes
	// MutTailGCAhead lets a tail drop log that a full member lacks (TailLimit).
	MutTailGCAhead
	// MutRecycledBatch accepts update-queue batches of an older file generation (storage/node's queue scan).
	MutRecycledBatch
	// MutActiveUnsaved never makes durable that a segment has become active (Unsaved).
	MutActiveUnsaved
)
