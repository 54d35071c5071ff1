package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/zoryadb/zorya/cluster/role"
	"github.com/zoryadb/zorya/cluster/supervisor"
)

func upCommand() *cobra.Command {
	o := supervisor.Options{Out: os.Stdout}
	pool := "256M"
	maxConnections := 0
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run a whole cluster on this machine, in the foreground",
		Long: `Run a whole cluster on this machine, in the foreground: the metadata store, six storage nodes in three
availability zones and one writer instance, each a process of its own. Prints "ready" when MySQL clients can
connect. SIGTERM or ^C stops it cleanly; the next up on the same directory finds everything as it was.

The password of the MySQL user admin comes from --password, else from ` + role.PasswordEnv + `, else a generated one
is written to DIR/admin-password.`,
		Args:   cobra.NoArgs,
		PreRun: relaxTimers(timerSlack),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.PoolBytes, err = parseSize(pool); err != nil {
				return fmt.Errorf("--pool: %w", err)
			}
			if o.Port < 0 || o.Port > 65535 {
				return fmt.Errorf("--port %d: want 0 to 65535", o.Port)
			}
			if o.Password == "" {
				o.Password = os.Getenv(role.PasswordEnv)
			}
			if o.Dir, err = filepath.Abs(o.Dir); err != nil {
				return err
			}
			if maxConnections > 0 {
				o.Extra = append(o.Extra, "--max-connections", strconv.Itoa(maxConnections))
			}
			for i, e := range o.Etcd {
				if !strings.Contains(e, "://") {
					o.Etcd[i] = "http://" + e
				}
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			return supervisor.Run(ctx, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Dir, "dir", "zorya-data", "cluster directory")
	f.StringVar(&o.Cluster, "cluster", "zorya", "id of the cluster, when it is created")
	f.IntVar(&o.Port, "port", 3306, "MySQL port; 0 takes a free one")
	f.StringVar(&o.Bind, "bind", "127.0.0.1", "address to serve MySQL on")
	f.StringVar(&o.Password, "password", "", "password of the MySQL user admin (visible in ps: prefer "+role.PasswordEnv+")")
	f.StringVar(&pool, "pool", pool, "buffer pool of the instance, with K, M or G")
	f.StringSliceVar(&o.Etcd, "etcd", nil, "endpoints of an external etcd, host:port, instead of the embedded one; https://host:port speaks mutual TLS with --tls-ca, --tls-cert and --tls-key")
	tlsFlags(cmd, &o.TLSFiles)
	f.BoolVar(&o.TLS, "tls-internal", true, "mutual TLS between the cluster's processes, with an authority made in DIR/pki; measured: 3 % of their CPU")
	f.Uint32Var(&o.PagesPerPG, "pages-per-pg", 0, "pages of 16 KiB in a protection group of a new volume (0: 655360, which is 10 GiB)")
	f.IntVar(&maxConnections, "max-connections", 0, "max_connections of the instance (0: its default)")
	return cmd
}

// parseSize reads a number of bytes with an optional suffix K, M or G (powers of 1,024).
func parseSize(s string) (int64, error) {
	shift := 0
	digits := s
	if n := len(s); n > 0 {
		switch s[n-1] {
		case 'k', 'K':
			shift = 10
		case 'm', 'M':
			shift = 20
		case 'g', 'G':
			shift = 30
		}
		if shift > 0 {
			digits = s[:n-1]
		}
	}
	v, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || v < 0 || v > (1<<62)>>shift {
		return 0, fmt.Errorf("%q is not a size", s)
	}
	return v << shift, nil
}
