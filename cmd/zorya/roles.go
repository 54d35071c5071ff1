package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/zoryadb/zorya/cluster/pki"
	"github.com/zoryadb/zorya/cluster/role"
	"github.com/zoryadb/zorya/cluster/supervisor"
)

// commonFlags are those of every role that joins a cluster.
func commonFlags(cmd *cobra.Command, c *role.Common) {
	f := cmd.Flags()
	f.StringVar(&c.ID, "id", c.ID, "name of this process, unique in the cluster (a host label)")
	f.StringSliceVar(&c.Join, "join", nil, "endpoints of the metadata store, host:port; an etcd without TLS in a cluster with it: http://host:port")
	roleFlags(cmd, c)
}

// roleFlags are those of every role.
func roleFlags(cmd *cobra.Command, c *role.Common) {
	f := cmd.Flags()
	f.StringVar(&c.Cluster, "cluster", "zorya", "id of the cluster")
	f.StringVar(&c.HTTP, "http", "127.0.0.1:0", "where /metrics, /healthz, /status and /debug/pprof are served; with certificates by mutual TLS, except on loopback")
	f.StringVar(&c.LogFormat, "log-format", "text", "lines of the log on stderr: text or json")
	f.TextVar(&c.LogLevel, "log-level", slog.LevelInfo, "least level that is logged: debug, info, warn or error")
	tlsFlags(cmd, &c.TLS)
}

// tlsFlags are those of everybody who speaks to the processes of a cluster.
func tlsFlags(cmd *cobra.Command, t *pki.Files) {
	f := cmd.Flags()
	f.StringVar(&t.CA, "tls-ca", "", "authority of mutual TLS between the cluster's processes, PEM (zorya certificate makes one)")
	f.StringVar(&t.Cert, "tls-cert", "", "this process's certificate, PEM")
	f.StringVar(&t.Key, "tls-key", "", "its key, PEM")
}

// runRole runs a role and ends the process with its exit status.
func runRole(name string, c *role.Common, run func(p *role.Process) error) error {
	if err := role.LogTo(name, *c); err != nil {
		return err
	}
	os.Exit(role.Main(name, *c, run))
	return nil
}

func controlCommand() *cobra.Command {
	o := role.ControlOptions{Common: role.Common{ID: "control"}}
	cmd := &cobra.Command{
		Use:    "control",
		Short:  "Run the embedded metadata store by itself",
		Args:   cobra.NoArgs,
		PreRun: relaxTimers(timerSlack),
		RunE: func(*cobra.Command, []string) error {
			return runRole("control", &o.Common, func(p *role.Process) error { return role.Control(p, o) })
		},
	}
	roleFlags(cmd, &o.Common)
	f := cmd.Flags()
	f.StringVar(&o.Dir, "dir", "zorya-control", "data directory")
	f.StringVar(&o.Listen, "listen", "127.0.0.1:2379", "address for the processes of the cluster")
	f.StringVar(&o.Peer, "peer", "127.0.0.1:2380", "address for further members")
	f.Uint32Var(&o.PagesPerPG, "pages-per-pg", 0, "pages of 16 KiB in a protection group of a new volume (0: 655360, which is 10 GiB)")
	return cmd
}

func storageCommand() *cobra.Command {
	var o role.StorageOptions
	cmd := &cobra.Command{
		Use:   "storage",
		Short: "Run one storage node by itself",
		Long: `Run one storage node by itself, as zorya up does it. A protection group needs two nodes in each of three
availability zones. Without --tls-ca, --tls-cert and --tls-key the data plane is neither encrypted nor authenticated: give it
a network of its own.`,
		Args:   cobra.NoArgs,
		PreRun: relaxTimers(nodeSlack),
		RunE: func(*cobra.Command, []string) error {
			return runRole("storage", &o.Common, func(p *role.Process) error { return role.Storage(p, o) })
		},
	}
	commonFlags(cmd, &o.Common)
	f := cmd.Flags()
	f.StringVar(&o.Dir, "dir", "zorya-node", "data directory")
	f.StringVar(&o.AZ, "az", "az-1", "availability zone")
	f.StringVar(&o.Listen, "listen", "127.0.0.1:0", "address that instances and other nodes connect to")
	return cmd
}

func instanceCommand() *cobra.Command {
	var o role.InstanceOptions
	pool := "256M"
	cmd := &cobra.Command{
		Use:   "instance",
		Short: "Run one instance by itself; or stop, start, kill one that zorya up runs",
		Long: `Run one instance, the MySQL server over the cluster's volume, by itself, as zorya up does it. It becomes the
volume's only writer: another one is fenced.`,
		Args:   cobra.NoArgs,
		PreRun: relaxTimers(timerSlack),
		RunE: func(*cobra.Command, []string) error {
			var err error
			if o.PoolBytes, err = parseSize(pool); err != nil {
				return fmt.Errorf("--pool: %w", err)
			}
			return runRole("instance", &o.Common, func(p *role.Process) error { return role.Instance(p, o) })
		},
	}
	commonFlags(cmd, &o.Common)
	f := cmd.Flags()
	f.StringVar(&o.Dir, "dir", "zorya-instance", "directory for the TLS certificate")
	f.StringVar(&o.AZ, "az", "az-1", "availability zone")
	f.IntVar(&o.Tier, "tier", 1, "promotion tier, 0 (first) to 15")
	f.StringVar(&o.Listen, "listen", "127.0.0.1:3306", "address to serve MySQL on")
	f.StringVar(&o.Socket, "socket", "", "path of a unix socket to serve MySQL on too")
	f.StringVar(&pool, "pool", pool, "buffer pool, with K, M or G")
	f.StringVar(&o.PasswordFile, "password-file", "", "file with the password of the user admin, for a new volume")
	f.BoolVar(&o.ResetPassword, "reset-password", false, "set the password of admin anew from --password-file")
	f.BoolVar(&o.RequireTLS, "require-tls", false, "refuse clients without TLS")
	f.IntVar(&o.MaxConnections, "max-connections", 0, "client connections (0: 16000)")
	f.Uint32Var(&o.PagesPerPG, "pages-per-pg", 0, "pages of 16 KiB in a protection group of a new volume (0: 655360, which is 10 GiB)")
	cmd.AddCommand(actionCommands(supervisor.RoleInstance)...)
	return cmd
}
