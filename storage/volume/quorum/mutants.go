package quorum

// Mutants is a set of deliberate faults in the cores of the volume client. The simulator turns one on
// and must find that something breaks; production code passes 0. Each rule is decided in one place,
// where its mutant is asked for.
type Mutants uint32

const (
	// WriteQuorumOf3 calls a write durable on any three members.
	WriteQuorumOf3 Mutants = 1 << iota
	// VDLIsVCL acknowledges at VCL, in the middle of an MTR.
	VDLIsVCL
	// VCLIsMinPGCL takes the minimum of PGCL over the PGs that ever had a record for VCL.
	VCLIsMinPGCL
	// VCLIsMaxPGCL takes the maximum: a hole in another PG is passed over.
	VCLIsMaxPGCL
	// SampleBeforeFence samples under the old epoch and fences only when it truncates.
	SampleBeforeFence
	// SampleUnfenced counts answers of members that did not install the epoch.
	SampleUnfenced
	// SampleStaleHistory counts samples that were taken under an older history than the newest learnt.
	SampleStaleHistory
	// WipedMemberVotes counts samples and acks whatever their status and incarnation.
	WipedMemberVotes
	// ReadQuorumOf2 recovers from two members.
	ReadQuorumOf2
	// TruncateAtVCL keeps the log up to VCL, half an MTR included.
	TruncateAtVCL
	// TruncationNotPersisted opens without installing the truncation.
	TruncationNotPersisted
	// TruncationOnReadQuorum opens when the truncation is on a read quorum.
	TruncationOnReadQuorum
	// TruncationWithoutEpoch numbers a truncation after the history it replaces, not by the epoch.
	TruncationWithoutEpoch
	// TruncationTooShort annuls up to the newest record seen instead of the newest possible.
	TruncationTooShort
	// NoReplication opens without bringing the recovered log back to a write quorum.
	NoReplication
	// WalkFromLowestVDL starts the walk of the volume chain below the highest VDL seen, at the lowest.
	WalkFromLowestVDL
	// LatePublish runs the append's inOrder outside the critical section.
	LatePublish
)

// Has reports whether m contains x.
func (m Mutants) Has(x Mutants) bool { return m&x != 0 }
