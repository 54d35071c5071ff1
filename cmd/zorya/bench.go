package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/zoryadb/zorya/bench"
	"github.com/zoryadb/zorya/bench/ceiling"
	"github.com/zoryadb/zorya/bench/peer"
	"github.com/zoryadb/zorya/cluster/role"
)

func benchCommand() *cobra.Command {
	o := bench.Options{Log: os.Stdout, Title: commit}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Compare Zorya with MariaDB and Galera on this machine",
		Long: `Compare Zorya with MariaDB (alone, with two semi-synchronous replicas, as a Galera cluster) on this machine:
starts them all, runs sysbench, go-tpc and the stock clients against them in turn, and writes a report with a chart for
each suite. Peers and clients come from the distribution; what is not installed is left out.

Suites: ` + strings.Join(bench.SuiteNames(), ", ") + ".",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := exec.LookPath("sysbench"); err != nil {
				return errors.New("sysbench is not installed")
			}
			if o.Seconds < 1 || o.Rounds < 1 {
				return fmt.Errorf("--seconds %d, --rounds %d: want at least 1", o.Seconds, o.Rounds)
			}
			if !(o.Scale > 0 && o.Scale <= 10) {
				return fmt.Errorf("--scale %v: want more than 0 and at most 10", o.Scale)
			}
			var err error
			if o.Binary, err = os.Executable(); err != nil {
				return err
			}
			if o.GoTPC == "" {
				o.GoTPC, _ = exec.LookPath("go-tpc")
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			return bench.Run(ctx, o)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.Suites, "suite", []string{"sysbench"}, "suites to run, or all of them by their names")
	f.IntVar(&o.Seconds, "seconds", 20, "length of each run")
	f.IntVar(&o.Rounds, "rounds", 3, "runs of each case on each server")
	f.Float64Var(&o.Scale, "scale", 1, "share of the tables, bytes, rows and warehouses of suites tables, data-size, tpcc and bulk")
	f.StringVar(&o.Pool, "pool", "512M", "buffer pool of every server")
	f.StringVar(&o.Out, "out", "zorya-bench", "directory for the reports")
	f.StringVar(&o.GoTPC, "go-tpc", "", "go-tpc's binary, for suite tpcc (default: the one in PATH)")
	cmd.AddCommand(ceilingCommand(), bareNodeCommand())
	return cmd
}

// ceilingCommand is how the benchmark runs its constant-answer server as a process of its own.
func ceilingCommand() *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:    "ceiling",
		Short:  "The constant-answer server: what the wire package alone can deliver",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			l, err := net.Listen("tcp", listen)
			if err != nil {
				return err
			}
			return ceiling.Serve(l, peer.User, os.Getenv(role.PasswordEnv), 16000)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "address to serve on")
	return cmd
}

// bareNodeCommand is how suite storage runs a storage node as a process of its own.
func bareNodeCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:    "node",
		Short:  "A storage node without a cluster",
		Hidden: true,
		Args:   cobra.NoArgs,
		PreRun: relaxTimers(nodeSlack),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			return bench.ServeNode(ctx, dir)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "directory of the node")
	return cmd
}
