//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zoryadb/zorya/cluster/status"
)

// network is three hosts, one an availability zone, on one bridge: network namespaces of this machine. The machine itself
// is the host at .254, where etcd and the clients are.
type network struct {
	t      testing.TB
	prefix string // of the addresses' first three bytes
	tag    string // of the devices' names
}

func newNetwork(t testing.TB) *network {
	t.Helper()
	need(t, "ip")
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
	n := &network{t: t, prefix: fmt.Sprintf("10.213.%d", os.Getpid()%250), tag: fmt.Sprintf("z%d", os.Getpid()%10000)}
	t.Cleanup(func() {
		for z := 1; z <= 3; z++ {
			_ = exec.Command("ip", "netns", "del", n.namespace(z)).Run() // its device goes with it
		}
		_ = exec.Command("ip", "link", "del", n.tag).Run()
	})
	if out, err := exec.Command("ip", "link", "add", n.tag, "type", "bridge").CombinedOutput(); err != nil {
		t.Skipf("no network devices can be made here: %s", out)
	}
	n.ip("addr", "add", n.prefix+".254/24", "dev", n.tag)
	n.ip("link", "set", n.tag, "up")
	for z := 1; z <= 3; z++ {
		n.ip("netns", "add", n.namespace(z))
		n.ip("link", "add", n.device(z), "type", "veth", "peer", "name", "eth0", "netns", n.namespace(z))
		n.ip("link", "set", n.device(z), "master", n.tag, "up")
		n.ip("-n", n.namespace(z), "addr", "add", n.address(z)+"/24", "dev", "eth0")
		n.ip("-n", n.namespace(z), "link", "set", "eth0", "up")
		n.ip("-n", n.namespace(z), "link", "set", "lo", "up")
	}
	return n
}

func (n *network) namespace(zone int) string { return fmt.Sprintf("%s-az%d", n.tag, zone) }
func (n *network) device(zone int) string    { return fmt.Sprintf("%s-v%d", n.tag, zone) }
func (n *network) address(zone int) string   { return fmt.Sprintf("%s.%d", n.prefix, zone) }
func (n *network) gateway() string           { return n.prefix + ".254" }

func (n *network) ip(args ...string) {
	n.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		n.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// cut takes a zone off the network without a word to its peers; mend brings it back.
func (n *network) cut(zone int)  { n.ip("link", "set", n.device(zone), "down") }
func (n *network) mend(zone int) { n.ip("link", "set", n.device(zone), "up") }

// run starts a program, in a zone (0: on the machine itself), until the test ends.
func (n *network) run(zone int, log string, argv ...string) {
	n.t.Helper()
	if zone > 0 {
		argv = append([]string{"ip", "netns", "exec", n.namespace(zone)}, argv...)
	}
	f, err := os.Create(log)
	if err != nil {
		n.t.Fatal(err)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = f, f
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		killer := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		killer.Stop()
		f.Close()
	})
}

// Roles started by themselves on hosts of their own, with an etcd of the administrator's and mutual TLS throughout; a zone's network
// goes away without a word and comes back.
func TestHosts(t *testing.T) {
	need(t, "etcd")
	n := newNetwork(t)
	dir := t.TempDir()
	logs := filepath.Join(dir, "log")
	if err := os.MkdirAll(logs, 0o700); err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, dir: dir, host: n.address(1), port: 3306}
	t.Cleanup(func() {
		if t.Failed() {
			c.dumpLogs()
		}
	})
	certificate := func(name, host string) []string {
		out, err := pipe(nil, zorya(t), "certificate", name, "--dir", filepath.Join(dir, "pki"), "--host", host)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(out)
	}
	at := func(name string) string { return filepath.Join(dir, "pki", name) }
	join := n.gateway() + ":2379"
	admin := certificate("admin", n.gateway())
	n.run(0, filepath.Join(logs, "etcd.log"), "etcd", "--data-dir", filepath.Join(dir, "etcd"), "--name", "etcd",
		"--listen-client-urls", "https://"+join, "--advertise-client-urls", "https://"+join,
		"--listen-peer-urls", "http://"+n.gateway()+":2380", "--initial-advertise-peer-urls", "http://"+n.gateway()+":2380",
		"--initial-cluster", "etcd=http://"+n.gateway()+":2380",
		"--client-cert-auth", "--trusted-ca-file", at("ca.pem"), "--cert-file", at("admin.pem"), "--key-file", at("admin-key.pem"))
	passwordFile := filepath.Join(dir, "password")
	if err := os.WriteFile(passwordFile, []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	for zone := 1; zone <= 3; zone++ {
		host := n.address(zone)
		common := append(certificate(fmt.Sprintf("az-%d", zone), host), "--join", join, "--az", fmt.Sprintf("az-%d", zone), "--http", host+":0")
		for i := range 2 {
			id := fmt.Sprintf("node-%d", 2*zone-1+i)
			n.run(zone, filepath.Join(logs, id+".log"), append([]string{zorya(t), "storage", "--id", id, "--dir", filepath.Join(dir, id),
				"--listen", fmt.Sprintf("%s:%d", host, 7001+i)}, common...)...)
		}
		if zone == 1 {
			n.run(zone, filepath.Join(logs, "writer.log"), append([]string{zorya(t), "instance", "--id", "writer", "--dir", filepath.Join(dir, "writer"),
				"--listen", host + ":3306", "--password-file", passwordFile, "--log-format", "json"}, common...)...)
		}
	}
	state := func() (st status.Status, err error) {
		out, err := pipe(nil, zorya(t), append([]string{"status", "--json", "--join", join}, admin...)...)
		if err == nil {
			err = json.Unmarshal([]byte(out), &st)
		}
		return st, err
	}
	whole := func() bool {
		st, err := state()
		if err != nil || st.Cluster.Status != status.Available || len(st.StorageNodes) != 6 {
			return false
		}
		for _, s := range st.StorageNodes {
			if s.Status != "available" || s.Segments == 0 || s.Repairing > 0 || s.SCLLag > 10_000 {
				return false
			}
		}
		return true
	}
	took := eventually(t, 60*time.Second, "the cluster", whole)
	figure(t, "hosts: six storage nodes and a writer on three hosts are whole %.1f s after their start", took.Seconds())

	strangers(t, join)
	c.via = append([]string{"--join", join}, admin...)
	b := newBank(t, c, 8)
	b.run()
	eventually(t, 60*time.Second, "the load to run", func() bool { return b.commits.Load() > 100 })
	for _, zone := range []int{3, 2} { // the writer is in zone 1
		before := rate(b, 2*time.Second)
		n.cut(zone)
		recovered := timeToRate(b, 0.5*before, 30*time.Second)
		during := rate(b, pick(3*time.Second, 20*time.Second))
		st, err := state()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range st.StorageNodes {
			if want := s.AZ == fmt.Sprintf("az-%d", zone); want == (s.Status == "available") {
				t.Errorf("with zone %d cut off: %+v", zone, s)
			}
		}
		n.mend(zone)
		back := eventually(t, pick(2*time.Minute, 30*time.Second), "the zone to be whole again", whole)
		figure(t, "hosts: zone %d cut off: %.0f commits/s before, half of it after %.1f s, %.0f while it is away; whole %.1f s after its return; %d errors",
			zone, before, recovered.Seconds(), during, back.Seconds(), b.errs.Load())
	}
	b.halt()
	if e := b.first.Load(); e != nil {
		t.Errorf("%d client errors, the first: %v", b.errs.Load(), *e)
	}
	b.verify()

	var gaps, nodes int
	eventually(t, 10*time.Second, "all nodes in ZORYA_SEGMENTS", func() bool { // the writer asks its nodes now and then
		if err := c.db("").QueryRow("SELECT COUNT(DISTINCT node_id), SUM(gap = 'YES') FROM information_schema.zorya_segments").Scan(&nodes, &gaps); err != nil {
			t.Fatalf("ZORYA_SEGMENTS: %v", err)
		}
		return nodes == 6
	})
}

// strangers have no certificate of the cluster's authority: neither etcd nor a node's data port nor its status answers them.
func strangers(t *testing.T, join string) {
	t.Helper()
	if out, err := pipe(nil, zorya(t), "status", "--json", "--join", "http://"+join); err == nil {
		t.Errorf("etcd answers in clear: %s", out)
	}
	other := filepath.Join(t.TempDir(), "other")
	out, err := pipe(nil, zorya(t), "certificate", "other", "--dir", other, "--host", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	if out, err = pipe(nil, zorya(t), append([]string{"status", "--json", "--join", join}, strings.Fields(out)...)...); err == nil {
		t.Errorf("etcd answers a stranger: %s", out)
	}
}

// `zorya up` with an etcd of the administrator's.
func TestExternalEtcd(t *testing.T) {
	need(t, "etcd")
	n := &network{t: t}
	dir := t.TempDir()
	client, peer := fmt.Sprintf("127.0.0.1:%d", freePort(t)), fmt.Sprintf("http://127.0.0.1:%d", freePort(t))
	n.run(0, filepath.Join(dir, "etcd.log"), "etcd", "--data-dir", filepath.Join(dir, "etcd"), "--name", "etcd", "--listen-client-urls", "http://"+client,
		"--advertise-client-urls", "http://"+client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "etcd="+peer)
	c := start(t, "--etcd", client)
	mustExec(t, c.db(""), "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)")
	c.stop()
	c.start()
	mustExec(t, c.db(""), "INSERT INTO d.t VALUES (2)")
	if st := c.status(); st.Cluster.Status != status.Available || st.Cluster.ProtectionGroups == 0 {
		t.Errorf("status: %+v", st.Cluster)
	}
}
