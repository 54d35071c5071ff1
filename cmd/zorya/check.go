package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/zoryadb/zorya/cluster/pki"
	"github.com/zoryadb/zorya/cluster/role"
	"github.com/zoryadb/zorya/cluster/status"
	"github.com/zoryadb/zorya/engine/table"
)

// errDamaged makes the exit status tell that damage was found; the report is printed by then.
var errDamaged = errors.New("the volume is damaged")

func checkCommand() *cobra.Command {
	var dir, cluster string
	var join []string
	var tls pki.Files
	var asJSON, quick, startIt bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Verify every tree, index, undo log and page of a cluster",
		Long: `Verify the structure of everything that a cluster stores: every tree from its root, rows against their secondary
index entries and back, long values, undo logs, and the space map: each page in use belongs to exactly one of them.

The writer reads its volume as of one point of the log; clients go on meanwhile. The exit status is 0 when nothing
is wrong and 1 otherwise. A cluster that zorya up does not run is checked with --start, which runs it for as long
as it takes, on a free port.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			src := status.Source{Endpoints: join, Cluster: cluster}
			var err error
			if src.Identity, err = tls.Load(); err != nil {
				return err
			}
			if len(join) == 0 {
				if src, err = status.Local(dir); err != nil {
					return err
				}
			}
			by, address, err := status.Writer(ctx, src)
			if err != nil && len(join) == 0 && stopped(ctx, src) {
				if !startIt {
					return fmt.Errorf("the cluster in %s is stopped: check it with --start, or start it with zorya up --dir %s", dir, dir)
				}
				stop, serr := runCluster(dir)
				if serr != nil {
					return serr
				}
				defer stop()
				by, address, err = status.Writer(ctx, src)
			}
			if err != nil {
				return err
			}
			progress, done := progressTo(cmd.ErrOrStderr(), asJSON)
			begun := time.Now()
			rep, err := role.Check(ctx, by, address, quick, progress)
			done()
			if err != nil {
				return err
			}
			return printReport(cmd.OutOrStdout(), rep, asJSON, time.Since(begun))
		},
	}
	f := cmd.Flags()
	f.StringVar(&dir, "dir", "zorya-data", "cluster directory of zorya up")
	f.StringSliceVar(&join, "join", nil, "instead of --dir: endpoints of the metadata store")
	f.StringVar(&cluster, "cluster", "zorya", "with --join: id of the cluster")
	tlsFlags(cmd, &tls)
	f.BoolVar(&asJSON, "json", false, "print the report as JSON")
	f.BoolVar(&quick, "quick", false, "do not compare rows with the entries of secondary indexes")
	f.BoolVar(&startIt, "start", false, "run the cluster for the check if it is stopped")
	return cmd
}

func stopped(ctx context.Context, src status.Source) bool {
	st, err := status.Get(ctx, src)
	return err == nil && st.Cluster.Status == status.Stopped
}

// runCluster runs zorya up on a cluster that exists, until stop is called.
func runCluster(dir string) (stop func(), err error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	up := exec.Command("/proc/self/exe", "up", "--dir", abs, "--port", "0")
	up.Stderr = os.Stderr
	out, err := up.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := up.Start(); err != nil {
		return nil, fmt.Errorf("start the cluster: %w", err)
	}
	stop = func() {
		_ = up.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		_ = up.Wait()
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "ready") {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return stop, nil
		}
	}
	return nil, fmt.Errorf("the cluster did not start: %w", up.Wait())
}

// progressTo shows progress on one line of a terminal, or on a line every few seconds.
func progressTo(w io.Writer, quiet bool) (show func(table.CheckProgress), done func()) {
	if quiet {
		return nil, func() {}
	}
	f, ok := w.(*os.File)
	info, err := os.Stat("/dev/null")
	if ok {
		info, err = f.Stat()
	}
	tty := ok && err == nil && info.Mode()&os.ModeCharDevice != 0
	last := time.Now()
	show = func(p table.CheckProgress) {
		line := fmt.Sprintf("%d of %d tables, %d pages, %d rows %s", p.Tables, p.Total, p.Pages, p.Rows, p.Table)
		if tty {
			fmt.Fprintf(w, "\r\x1b[K%.100s", line)
		} else if time.Since(last) > 5*time.Second {
			last = time.Now()
			fmt.Fprintln(w, line)
		}
	}
	return show, func() {
		if tty {
			fmt.Fprint(w, "\r\x1b[K")
		}
	}
}

func printReport(w io.Writer, rep *table.CheckReport, asJSON bool, took time.Duration) error {
	var err error
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		err = enc.Encode(rep)
	} else {
		fmt.Fprintf(w, "checked %d tables, %d rows, %d index entries, %d undo records, %d pages as of LSN %d in %.1f s\n",
			rep.Tables, rep.Rows, rep.Entries, rep.UndoRecords, rep.Pages, rep.LSN, took.Seconds())
		for _, p := range rep.Problems {
			where := "volume"
			if p.Table != "" {
				where = p.Schema + "." + p.Table
				if p.Index != "" {
					where += " index " + p.Index
				}
			}
			fmt.Fprintf(w, "DAMAGE %s: %s\n", where, p.Text)
		}
		if n := rep.Damaged - uint64(len(rep.Problems)); n > 0 {
			fmt.Fprintf(w, "and %d more\n", n)
		}
		if rep.Damaged == 0 {
			fmt.Fprintln(w, "no damage")
		}
	}
	if err == nil && rep.Damaged > 0 {
		err = fmt.Errorf("%w: %d problems", errDamaged, rep.Damaged)
	}
	return err
}
