package status

import (
	"cmp"
	"slices"

	"github.com/zoryadb/zorya/cluster/meta"
	"github.com/zoryadb/zorya/cluster/supervisor"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// assemble puts together what was observed; it asks nobody.
func (o *observed) assemble(cluster string) *Status {
	st := &Status{Cluster: Cluster{ID: cluster}, Instances: []Instance{}, StorageNodes: []StorageNode{}}
	for _, r := range o.merge(o.instances, supervisor.RoleInstance) {
		st.Instances = append(st.Instances, o.instanceOf(r))
	}
	furthest := o.furthestSCL()
	for _, r := range o.merge(o.nodes, supervisor.RoleStorage) {
		st.StorageNodes = append(st.StorageNodes, o.nodeOf(r, furthest))
	}
	if o.volume != nil {
		st.Cluster.VolumeEpoch, st.Cluster.ProtectionGroups = o.volume.Epoch, len(o.volume.PGs)
		for _, m := range o.volume.PGs {
			st.Cluster.MembershipEpoch = max(st.Cluster.MembershipEpoch, m.Epoch)
		}
	}
	for _, in := range st.Instances {
		if own := o.instance[in.ID]; own != nil && own.Role == meta.Writer && in.Status == supervisor.StatusAvailable {
			st.Cluster.Writer = in.ID
			st.Cluster.VCL, st.Cluster.VDL = own.VCL, own.VDL
		}
	}
	st.Cluster.Status = o.clusterStatus(st)
	return st
}

// merge adds the supervisor's children that have not registered yet to the registered processes.
func (o *observed) merge(registered []meta.Registration, role string) []meta.Registration {
	out := slices.Clone(registered)
	for _, c := range o.children {
		if c.Role == role && !slices.ContainsFunc(registered, func(r meta.Registration) bool { return r.ID == c.ID }) {
			out = append(out, meta.Registration{ID: c.ID, AZ: c.AZ, Address: c.Address, PID: c.PID})
		}
	}
	slices.SortFunc(out, func(a, b meta.Registration) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// life is a process's pid and status: the supervisor's word where there is one, for it knows by waitpid.
func (o *observed) life(r meta.Registration, answers bool) (pid int, status string) {
	if c, ok := o.children[r.ID]; ok {
		return c.PID, c.Status
	}
	switch {
	case answers:
		return r.PID, supervisor.StatusAvailable
	case r.Alive:
		return r.PID, Unreachable
	default:
		return 0, supervisor.StatusStopped
	}
}

func (o *observed) instanceOf(r meta.Registration) Instance {
	pid, status := o.life(r, o.instance[r.ID] != nil)
	role := r.Role
	if role == "" {
		role = meta.Writer
	}
	return Instance{ID: r.ID, Role: role, Address: r.Address, PID: pid, Status: status}
}

type slice struct {
	volume proto.VolumeID
	pg     proto.PG
}

// furthestSCL is the highest SCL that any segment of each protection group reports.
func (o *observed) furthestSCL() map[slice]page.LSN {
	out := map[slice]page.LSN{}
	for _, info := range o.nodeInfo {
		for _, s := range info.Segments {
			k := slice{s.Volume, s.PG}
			out[k] = max(out[k], s.SCL)
		}
	}
	return out
}

func (o *observed) nodeOf(r meta.Registration, furthest map[slice]page.LSN) StorageNode {
	info := o.nodeInfo[r.ID]
	pid, status := o.life(r, info != nil)
	n := StorageNode{ID: r.ID, AZ: r.AZ, Address: r.Address, PID: pid, Status: status}
	if info == nil {
		return n
	}
	n.Segments, n.QueueBytes, n.DiskFree = len(info.Segments), info.QueueBytes, info.DiskFree
	n.Damaged, n.Repairs = info.Damaged, info.Repaired
	for _, s := range info.Segments {
		n.SCLLag = max(n.SCLLag, furthest[slice{s.Volume, s.PG}]-s.SCL)
		if s.Status == proto.StatusHydrating {
			n.Repairing++
		} else if s.Highest > s.SCL {
			n.Gaps++
		}
		n.LogBytes += s.LogBytes
		n.ImageBytes += s.ImageBytes
	}
	return n
}

func (o *observed) clusterStatus(st *Status) string {
	if len(o.children) == 0 && !slices.ContainsFunc(st.StorageNodes, func(n StorageNode) bool { return n.PID != 0 }) {
		return Stopped
	}
	if st.Cluster.Writer == "" || o.volume == nil {
		return Starting
	}
	up := map[proto.NodeID]bool{}
	for _, n := range st.StorageNodes {
		up[proto.NodeID(n.ID)] = n.Status == supervisor.StatusAvailable
	}
	for _, m := range o.volume.PGs {
		if !writable(m, up) {
			return Degraded
		}
	}
	return Available
}

// writable reports whether the living members form a write quorum.
func writable(m proto.Membership, up map[proto.NodeID]bool) bool {
	any, full := 0, 0
	for _, member := range m.Members {
		if up[member.Node] {
			any++
			if member.Kind == proto.Full {
				full++
			}
		}
	}
	return any >= m.Quorum.WriteAny || m.Quorum.WriteFull > 0 && full >= m.Quorum.WriteFull
}
