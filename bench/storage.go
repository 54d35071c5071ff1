package bench

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/procfs"

	"github.com/zoryadb/zorya/cluster/role"
	"github.com/zoryadb/zorya/storage/node"
	"github.com/zoryadb/zorya/storage/node/nodeload"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/transport"
)

// bareNode is the name of the node that the suite starts.
const bareNode = "bench"

// ServeNode runs a storage node in dir without a cluster, for suite storage, until ctx ends. It says on stdout where its socket is.
func ServeNode(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	role.SpareProcessor()
	n, err := node.Open(role.NodeOptions(dir, bareNode))
	if err != nil {
		return err
	}
	defer n.Shutdown()
	l, err := transport.ListenLocal(dir)
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return transport.Serve(ctx, l, n, transport.Options{})
}

// bare is a node in a process of its own, and the load on it.
type bare struct {
	cmd  *exec.Cmd
	dir  string
	book *transport.Book
	load *nodeload.Load
	next chan [][]byte // frames, encoded ahead: each is sent, or all that follow lie above a hole and the node takes none of them
	quit chan struct{} // ends the encoder
}

func startBare(ctx context.Context, binary string, kind proto.Kind) (_ *bare, err error) {
	n := &bare{next: make(chan [][]byte, 1), quit: make(chan struct{})}
	if n.dir, err = os.MkdirTemp("", "zorya-node-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			n.stop()
		}
	}()
	n.cmd = exec.CommandContext(ctx, binary, "bench", "node", "--dir", n.dir)
	n.cmd.Cancel = func() error { return n.cmd.Process.Signal(syscall.SIGTERM) }
	n.cmd.Stderr = os.Stderr
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := n.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a storage node: %w", err)
	}
	socket, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("start a storage node: it does not say where it is: %w", err)
	}
	n.book = transport.NewBook(func(proto.NodeID) (transport.Place, bool) {
		return transport.Place{Socket: strings.TrimSpace(socket)}, true
	}, transport.Options{AppendTimeout: time.Minute})
	peer, err := n.book.Dial(bareNode)
	if err != nil {
		return nil, err
	}
	n.load = nodeload.New(peer, proto.VolumeID{1})
	if err := n.load.Create(ctx, bareNode, kind); err != nil {
		return nil, err
	}
	go n.encode()
	return n, nil
}

func (n *bare) stop() {
	close(n.quit)
	if n.book != nil {
		n.book.Close()
	}
	if n.cmd != nil && n.cmd.Process != nil {
		_ = n.cmd.Process.Signal(syscall.SIGTERM)
		_ = n.cmd.Wait()
	}
	os.RemoveAll(n.dir)
}

// spent is what a process has used: time on processors by the scheduler's clock, and bytes handed to write calls: while nothing is read, those are files and a few
// acknowledgements. (What the kernel calls written counts a large folio anew for each small append to it.)
type spent struct{ cpu, written float64 }

func (n *bare) spent() (s spent, err error) {
	p, err := procfs.NewProc(n.cmd.Process.Pid)
	if err != nil {
		return s, err
	}
	io, err := p.IO()
	if err != nil {
		return s, err
	}
	s.written = float64(io.WChar)
	threads, err := procfs.AllThreads(p.PID)
	for _, t := range threads {
		if c, err := t.Schedstat(); err == nil { // else it has just ended
			s.cpu += float64(c.RunningNanoseconds)
		}
	}
	return s, err
}

// atOnce is how many records are encoded, and sent, together.
const atOnce = 64 << 10

// encode makes the next frames while those before are sent.
func (n *bare) encode() {
	for {
		select {
		case n.next <- n.load.Frames(atOnce, 64<<10):
		case <-n.quit:
			return
		}
	}
}

// ingest sends frames of 64 KiB for as long as goOn says and returns what they held.
func (n *bare) ingest(goOn func() bool) (records, bytes int, err error) {
	for goOn() {
		frames := <-n.next
		if err := n.load.Send(frames); err != nil {
			return records, bytes, err
		}
		records += atOnce
		for _, f := range frames {
			bytes += len(f)
		}
	}
	return records, bytes, nil
}

// ingested is one run of row 14's first half.
type ingested struct {
	rate, cpu, writes float64 // records a second, us a record, bytes written for each byte of redo
}

func (n *bare) measureIngest(ctx context.Context, seconds int) (r ingested, err error) {
	before, err := n.spent()
	if err != nil {
		return r, err
	}
	begun := time.Now()
	records, bytes, err := n.ingest(func() bool { return ctx.Err() == nil && time.Since(begun) < time.Duration(seconds)*time.Second })
	if err != nil {
		return r, err
	}
	r.rate = float64(records) / time.Since(begun).Seconds()
	if err := n.load.Settled(ctx); err != nil {
		return r, err
	}
	after, err := n.spent()
	r.cpu, r.writes = (after.cpu-before.cpu)/1e3/float64(records), (after.written-before.written)/float64(bytes)
	return r, err
}

// measureReads reads one random page after the other while records come in at full speed, and returns how long each took.
func (n *bare) measureReads(ctx context.Context, seconds int) ([]time.Duration, error) {
	done := make(chan error, 1)
	stop := make(chan struct{})
	go func() {
		_, _, err := n.ingest(func() bool {
			select {
			case <-stop:
				return false
			default:
				return true
			}
		})
		done <- err
	}()
	rng, dst := rand.New(rand.NewPCG(3, 3)), make([]byte, page.Size)
	var took []time.Duration
	var err error
	for begun := time.Now(); err == nil && ctx.Err() == nil && time.Since(begun) < time.Duration(seconds)*time.Second; {
		t := time.Now()
		if err = n.load.Read(ctx, page.No(rng.IntN(nodeload.Pages)), dst); err == nil {
			took = append(took, time.Since(t))
		}
	}
	close(stop)
	if e := <-done; err == nil {
		err = e
	}
	slices.Sort(took)
	return took, err
}

// storage is row 14: one storage node by itself.
func storage(ctx context.Context, b *bencher) (Section, error) {
	var table strings.Builder
	fmt.Fprintf(&table, "One segment of %d pages, records of some 120 bytes on random pages, frames of 64 KiB, two under way, over the node's socket. CPU is the node's by the scheduler's\n"+
		"clock, its background work of that time in it; bytes written are those that it handed to the kernel. In brackets: what issue 4 asks for at most.\n\n"+
		"| member | records /s | CPU us a record | write amplification | GetPage beside: reads /s | p50 ms | p99 ms |\n|---|---|---|---|---|---|---|\n", nodeload.Pages)
	for _, kind := range []proto.Kind{proto.Full, proto.Tail} {
		var runs []ingested
		var reads []time.Duration
		for range b.Rounds {
			err := func() error {
				n, err := startBare(ctx, b.Binary, kind)
				if err != nil {
					return err
				}
				defer n.stop()
				r, err := n.measureIngest(ctx, b.Seconds)
				if err != nil {
					return err
				}
				runs = append(runs, r)
				if kind == proto.Full {
					took, err := n.measureReads(ctx, b.Seconds)
					reads = append(reads, took...)
					return err
				}
				return nil
			}()
			if err != nil {
				return Section{}, fmt.Errorf("storage node: %w", err)
			}
		}
		name := map[proto.Kind]string{proto.Full: "full", proto.Tail: "tail"}[kind]
		slices.SortFunc(runs, func(x, y ingested) int { return compare(x.cpu, y.cpu) })
		r := runs[len(runs)/2]
		line := fmt.Sprintf("| %s | %.0f | %s | %s | | | |", name, r.rate, atMost(r.cpu, 2.5), atMost(r.writes, 3))
		if slices.Sort(reads); len(reads) > 0 {
			ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
			line = fmt.Sprintf("| %s | %.0f | %s | %s | %d | %.2f | %s |", name, r.rate, atMost(r.cpu, 2.5), atMost(r.writes, 3), len(reads)/b.Seconds/b.Rounds,
				ms(reads[len(reads)/2]), atMost(ms(reads[len(reads)*99/100]), 2))
		}
		fmt.Fprintln(&table, line)
		b.say("%s", line)
	}
	return Section{Table: table.String(), Alone: true}, nil
}

// atMost is a figure beside its bound.
func atMost(got, bound float64) string {
	if got <= bound {
		return fmt.Sprintf("**%.2f** (%g)", got, bound)
	}
	return fmt.Sprintf("%.2f (misses %g)", got, bound)
}
