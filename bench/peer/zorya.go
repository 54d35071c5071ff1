package peer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/zoryadb/zorya/cluster/meta"
	"github.com/zoryadb/zorya/cluster/role"
	"github.com/zoryadb/zorya/cluster/status"
	"github.com/zoryadb/zorya/cluster/supervisor"
)

// Zorya starts a whole cluster, `zorya up`, from the binary. options are more of up's.
func Zorya(ctx context.Context, binary string, options ...string) (*Server, error) {
	s := &Server{Name: "Zorya"}
	if err := s.zorya(ctx, binary, options); err != nil {
		_ = s.Stop()
		return nil, fmt.Errorf("start Zorya: %w", err)
	}
	return s, nil
}

func (s *Server) zorya(ctx context.Context, binary string, options []string) error {
	parent, err := s.tempDir()
	if err != nil {
		return err
	}
	if s.Port, err = freePort(); err != nil {
		return err
	}
	dir := filepath.Join(parent, "cluster")
	cmd := exec.Command(binary, append([]string{"up", "--dir", dir, "--port", strconv.Itoa(s.Port)}, options...)...)
	cmd.Env = append(os.Environ(), role.PasswordEnv+"="+Password)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	var complaint strings.Builder
	cmd.Stderr = &complaint
	ready := make(chan bool, 1)
	if err := s.run(cmd); err != nil {
		return err
	}
	go func() {
		defer close(ready)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if lines.Text() == "ready" {
				ready <- true
			}
		}
	}()
	select {
	case ok := <-ready:
		if !ok {
			return fmt.Errorf("zorya up ended before it was ready: %.1000s", complaint.String())
		}
	case <-time.After(serveTimeout):
		return errors.New("zorya up was not ready within a minute")
	case <-ctx.Done():
		return ctx.Err()
	}
	z := &zorya{dir: dir, up: cmd.Process.Pid}
	s.Processes, s.Counters = z.processes, z.counters
	return nil
}

// zorya is a running cluster seen from outside.
type zorya struct {
	dir string
	up  int // pid of the supervisor
}

func (z *zorya) processes() ([]Process, error) {
	src, err := status.Local(z.dir)
	if err != nil {
		return nil, err
	}
	st, err := status.Get(context.Background(), src)
	if err != nil {
		return nil, err
	}
	out := []Process{{"supervisor", z.up}}
	for _, i := range st.Instances {
		out = append(out, Process{"writer", i.PID})
	}
	for _, n := range st.StorageNodes {
		out = append(out, Process{"storage node", n.PID})
	}
	children, err := src.Admin.Children(context.Background())
	if err != nil {
		return nil, err
	}
	for _, c := range children {
		known := false
		for _, p := range out {
			known = known || p.PID == c.PID
		}
		if !known {
			out = append(out, Process{"control", c.PID})
		}
	}
	return out, nil
}

func (z *zorya) counters() (Counters, error) {
	var c Counters
	instances, err := z.scrape(meta.Instances)
	if err != nil {
		return c, err
	}
	nodes, err := z.scrape(meta.Nodes)
	if err != nil {
		return c, err
	}
	return Counters{
		Records: instances["zorya_volume_redo_records_total"], RedoBytes: instances["zorya_volume_redo_bytes_total"], Frames: instances["zorya_volume_node_frames_total"],
		Deadlocks: instances["zorya_deadlocks_total"],
		Syncs:     nodes["zorya_storage_batches_total"],
		Ingested:  nodes["zorya_storage_log_bytes_total"],
		Written:   nodes["zorya_storage_queue_bytes_total"] + nodes["zorya_storage_log_bytes_total"] + nodes["zorya_storage_image_bytes_total"],
	}, nil
}

// askTimeout bounds a question to the cluster's processes.
const askTimeout = 10 * time.Second

// scrape sums the metrics of all processes of a kind by name.
func (z *zorya) scrape(kind meta.Kind) (map[string]float64, error) {
	state, err := supervisor.Layout{Dir: z.dir}.LoadState()
	if err != nil {
		return nil, err
	}
	id, err := state.TLS.Load()
	if err != nil {
		return nil, err
	}
	store, err := meta.Open(meta.Options{Endpoints: state.Endpoints(), Cluster: state.Cluster, TLS: id.Client()})
	if err != nil {
		return nil, err
	}
	defer store.Close()
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	all, err := store.Registrations(ctx, kind)
	if err != nil {
		return nil, fmt.Errorf("registrations: %w", err)
	}
	by := &http.Client{Transport: &http.Transport{TLSClientConfig: id.Client(), DisableKeepAlives: true}, Timeout: askTimeout}
	sum := map[string]float64{}
	for _, r := range all {
		if err := scrape(by, r.HTTP+"/metrics", sum); err != nil {
			return nil, fmt.Errorf("metrics of %s: %w", r.ID, err)
		}
	}
	return sum, nil
}

func scrape(by *http.Client, url string, sum map[string]float64) error {
	resp, err := by.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		return err
	}
	for name, f := range families {
		if f.GetType() != dto.MetricType_COUNTER {
			continue
		}
		for _, m := range f.Metric {
			sum[name] += m.GetCounter().GetValue()
		}
	}
	return nil
}

// Ceiling starts the constant-answer server, which is the binary as well.
func Ceiling(ctx context.Context, binary string) (*Server, error) {
	s := &Server{Name: "ceiling"}
	var err error
	if s.Port, err = freePort(); err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, "bench", "ceiling", "--listen", "127.0.0.1:"+strconv.Itoa(s.Port))
	cmd.Env = append(os.Environ(), role.PasswordEnv+"="+Password)
	if err := s.run(cmd); err != nil {
		return nil, fmt.Errorf("start the constant-answer server: %w", err)
	}
	s.Processes = func() ([]Process, error) { return []Process{{"ceiling", cmd.Process.Pid}}, nil }
	if err := until(ctx, serveTimeout, "the constant-answer server", func() error { return s.DB().PingContext(ctx) }); err != nil {
		_ = s.Stop()
		return nil, err
	}
	return s, nil
}
