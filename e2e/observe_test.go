//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/zoryadb/zorya/bench/load"
	"github.com/zoryadb/zorya/cluster/meta"
	"github.com/zoryadb/zorya/cluster/role"
	"github.com/zoryadb/zorya/cluster/supervisor"
	"github.com/zoryadb/zorya/storage/proto"
)

// registrations of the cluster's processes, from its metadata store.
func (c *cluster) registrations(kind meta.Kind) []meta.Registration {
	c.t.Helper()
	state, err := supervisor.Layout{Dir: c.dir}.LoadState()
	if err != nil {
		c.t.Fatal(err)
	}
	id, err := state.TLS.Load()
	if err != nil {
		c.t.Fatal(err)
	}
	store, err := meta.Open(meta.Options{Endpoints: state.Endpoints(), Cluster: state.Cluster, TLS: id.Client()})
	if err != nil {
		c.t.Fatal(err)
	}
	defer store.Close()
	all, err := store.Registrations(c.t.Context(), kind)
	if err != nil {
		c.t.Fatal(err)
	}
	return all
}

// instance is what the writer says of itself.
func (c *cluster) instance() role.InstanceStatus {
	c.t.Helper()
	var st role.InstanceStatus
	for _, r := range c.registrations(meta.Instances) {
		c.get(r.HTTP, "/status", &st)
	}
	return st
}

// nodes is what each storage node says of itself.
func (c *cluster) nodes() map[string]proto.NodeInfo {
	c.t.Helper()
	out := map[string]proto.NodeInfo{}
	for _, r := range c.registrations(meta.Nodes) {
		var info proto.NodeInfo
		c.get(r.HTTP, "/status", &info)
		out[r.ID] = info
	}
	return out
}

func (c *cluster) get(address, path string, into any) {
	c.t.Helper()
	resp, err := http.Get(address + path)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		c.t.Fatalf("%s%s: %v: %.300s", address, path, err, b)
	}
}

// perTransaction is the cost of a transaction in the terms that Aurora's papers count.
func perTransaction(before, after role.InstanceStatus, r load.Result) string {
	if r.Txns == 0 {
		return "read only or bulk"
	}
	n := float64(r.Txns)
	return fmt.Sprintf("a transaction: %.2f records, %.0f bytes of redo, %.2f frames to all six copies",
		float64(after.Records-before.Records)/n, float64(after.RedoBytes-before.RedoBytes)/n, float64(after.Frames-before.Frames)/n)
}

// resident is a process's resident memory in bytes.
func resident(pid int) int64 { return memory(pid, "VmRSS:") }

// peak is the most resident memory that a process ever had.
func peak(pid int) int64 { return memory(pid, "VmHWM:") }

func memory(pid int, field string) int64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, field); ok {
			kb, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kb << 10
		}
	}
	return 0
}
