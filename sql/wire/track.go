package wire

// Session tracking: changes of the session's state travel with the next OK (or EOF) of the command, to clients that
// asked for it. Whether something is to be tracked is the session's decision (session_track_* variables).
const (
	trackSystemVariable  = 0
	trackSchema          = 1
	trackStateChange     = 2
	trackGTIDs           = 3
	trackCharacteristics = 4
	trackTransaction     = 5
)

// maxTrack bounds the changes kept for one OK.
const maxTrack = 64 << 10

// Tracking reports whether the client wants session tracking.
func (r *Reply) Tracking() bool { return r.c.caps&CapSessionTrack != 0 }

// TrackVariable reports a new value of a system variable.
func (r *Reply) TrackVariable(name, value string) {
	var scratch [256]byte
	b := appendLenencString(scratch[:0], name)
	r.trackEntry(trackSystemVariable, appendLenencString(b, value))
}

// TrackSchema reports the new default database.
func (r *Reply) TrackSchema(name string) {
	var scratch [256]byte
	r.trackEntry(trackSchema, appendLenencString(scratch[:0], name))
}

// TrackStateChange reports that some session state changed (session_track_state_change).
func (r *Reply) TrackStateChange() { r.trackEntry(trackStateChange, []byte{1, '1'}) }

// TrackCharacteristics reports the statements that would restart the transaction ("START TRANSACTION READ ONLY;").
func (r *Reply) TrackCharacteristics(sql string) {
	var scratch [256]byte
	r.trackEntry(trackCharacteristics, appendLenencString(scratch[:0], sql))
}

// TrackTransaction reports the transaction's state, eight characters such as "T_______" (session_track_transaction_info).
func (r *Reply) TrackTransaction(state string) {
	var scratch [32]byte
	r.trackEntry(trackTransaction, appendLenencString(scratch[:0], state))
}

func (r *Reply) trackEntry(kind byte, data []byte) {
	if !r.Tracking() || len(r.track)+len(data) > maxTrack {
		return
	}
	r.track = append(r.track, kind)
	r.track = appendLenencString(r.track, data)
}
