package status

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/zoryadb/zorya/cluster/meta"
	"github.com/zoryadb/zorya/cluster/role"
	"github.com/zoryadb/zorya/cluster/supervisor"
	"github.com/zoryadb/zorya/storage/proto"
)

// running is a cluster of six nodes and a writer, all well.
func running() *observed {
	o := &observed{
		children: map[string]supervisor.Child{"instance-1": {ID: "instance-1", Role: supervisor.RoleInstance, PID: 7, Status: supervisor.StatusAvailable}},
		nodeInfo: map[string]*proto.NodeInfo{},
		instance: map[string]*role.InstanceStatus{"instance-1": {ID: "instance-1", Role: meta.Writer, VCL: 105, VDL: 100}},
		volume:   &proto.Descriptor{Epoch: 3, Writer: "instance-1"},
	}
	o.instances = []meta.Registration{{ID: "instance-1", Role: meta.Writer, Address: "127.0.0.1:3306", PID: 7, Alive: true}}
	m := proto.Membership{Quorum: proto.SixWay}
	for i := range 6 {
		id, kind := fmt.Sprintf("node-%d", i+1), proto.Full
		if i%2 == 1 {
			kind = proto.Tail
		}
		m.Members = append(m.Members, proto.Member{Node: proto.NodeID(id), Kind: kind})
		o.nodes = append(o.nodes, meta.Registration{ID: id, PID: 10 + i, Alive: true})
		o.children[id] = supervisor.Child{ID: id, Role: supervisor.RoleStorage, PID: 10 + i, Status: supervisor.StatusAvailable}
		o.nodeInfo[id] = &proto.NodeInfo{Node: proto.NodeID(id), Segments: []proto.SegmentInfo{{SCL: 100}}}
	}
	o.volume.PGs = []proto.Membership{m}
	return o
}

func stop(o *observed, ids ...int) *observed {
	for _, i := range ids {
		id := fmt.Sprintf("node-%d", i)
		o.children[id] = supervisor.Child{ID: id, Role: supervisor.RoleStorage, Status: supervisor.StatusStopped}
		delete(o.nodeInfo, id)
	}
	return o
}

func TestClusterStatus(t *testing.T) {
	noWriter := running()
	delete(noWriter.instance, "instance-1")
	for name, c := range map[string]struct {
		o    *observed
		want string
	}{
		"all well":               {running(), Available},
		"a zone down":            {stop(running(), 1, 2), Available},
		"three full ones left":   {stop(running(), 2, 4, 6), Available},
		"a zone and a node":      {stop(running(), 1, 2, 3), Degraded},
		"no writer":              {noWriter, Starting},
		"nothing known of it":    {&observed{}, Stopped},
		"nothing read from etcd": {&observed{children: running().children}, Starting},
	} {
		if got := c.o.assemble("c").Cluster.Status; got != c.want {
			t.Errorf("%s: status %q, want %q", name, got, c.want)
		}
	}
}

func TestNodeReportsLagAndRepair(t *testing.T) {
	o := running()
	o.nodeInfo["node-2"].Segments = []proto.SegmentInfo{
		{SCL: 40, Highest: 80, Status: proto.StatusHydrating}, {PG: 1, SCL: 9, Highest: 12, Repairs: 2}, {PG: 2, SCL: 7, Highest: 7, Repairs: 1}}
	o.nodeInfo["node-2"].Damaged, o.nodeInfo["node-2"].Repaired = 4, 3
	o.volume.PGs[0].Epoch = 4
	st := o.assemble("c")
	if n := st.StorageNodes[1]; n.Damaged != 4 || n.Segments != 3 || n.SCLLag != 60 || n.Repairing != 1 || n.Gaps != 1 || n.Repairs != 3 {
		t.Errorf("node-2: %+v", n)
	}
	if n := st.StorageNodes[0]; n.SCLLag != 0 || n.Repairing != 0 || n.PID != 10 {
		t.Errorf("node-1: %+v", n)
	}
	if c := st.Cluster; c.Writer != "instance-1" || c.VCL != 105 || c.VDL != 100 || c.VolumeEpoch != 3 || c.MembershipEpoch != 4 || c.ProtectionGroups != 1 {
		t.Errorf("cluster: %+v", c)
	}
}

// The field names are an interface.
func TestJSONFields(t *testing.T) {
	b, err := json.Marshal(running().assemble("c"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"cluster":{"id":"c","status":"available","writer":"instance-1","volume_epoch":3,"vcl":105,"vdl":100,`,
		`"instances":[{"id":"instance-1","role":"writer","address":"127.0.0.1:3306","pid":7,"status":"available"}]`,
		`{"id":"node-1","az":"","address":"","pid":10,"status":"available","segments":1,"scl_lag":0,"repairing":0,`,
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s\nlacks %s", b, want)
		}
	}
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	if err := running().assemble("c").Table(&b); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(b.String(), "\n"); lines != 13 {
		t.Errorf("%d lines:\n%s", lines, b.String())
	}
}
