package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zoryadb/zorya/cluster/pki"
	"github.com/zoryadb/zorya/cluster/status"
	"github.com/zoryadb/zorya/cluster/supervisor"
)

func statusCommand() *cobra.Command {
	var dir, cluster string
	var join []string
	var tls pki.Files
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show a cluster, its instances and its storage nodes",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
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
			st, err := status.Get(cmd.Context(), src)
			if err != nil {
				return err
			}
			if !asJSON {
				return st.Table(cmd.OutOrStdout())
			}
			enc := json.NewEncoder(cmd.OutOrStdout())
			enc.SetIndent("", "  ")
			return enc.Encode(st)
		},
	}
	f := cmd.Flags()
	f.StringVar(&dir, "dir", "zorya-data", "cluster directory of zorya up")
	f.StringSliceVar(&join, "join", nil, "instead of --dir: endpoints of the metadata store")
	f.StringVar(&cluster, "cluster", "zorya", "with --join: id of the cluster")
	tlsFlags(cmd, &tls)
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func nodeCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "node", Short: "Stop, start or kill a storage node that zorya up runs"}
	cmd.AddCommand(actionCommands(supervisor.RoleStorage)...)
	return cmd
}

// actionCommands are stop, start and kill for one kind of child.
func actionCommands(role string) []*cobra.Command {
	explain := map[string]string{
		supervisor.ActionStop:  "End it and hold it down",
		supervisor.ActionStart: "Bring it back; returns when it serves",
		supervisor.ActionKill:  "kill -9; the supervisor restarts it at once",
	}
	var out []*cobra.Command
	for _, action := range []string{supervisor.ActionStop, supervisor.ActionStart, supervisor.ActionKill} {
		var dir string
		var hold bool
		c := &cobra.Command{
			Use:   action + " ID...",
			Short: explain[action],
			Args:  cobra.MinimumNArgs(1),
			RunE: func(cmd *cobra.Command, ids []string) error {
				if hold {
					action = supervisor.ActionCrash
				}
				return act(cmd, dir, role, action, ids)
			},
		}
		c.Flags().StringVar(&dir, "dir", "zorya-data", "cluster directory of zorya up")
		if action == supervisor.ActionKill {
			c.Flags().BoolVar(&hold, "hold", false, "hold it down instead of restarting it")
		}
		out = append(out, c)
	}
	return out
}

func act(cmd *cobra.Command, dir, role, action string, ids []string) error {
	admin := supervisor.NewAdmin(supervisor.Layout{Dir: dir})
	children, err := admin.Children(cmd.Context())
	if err != nil {
		return err
	}
	known := map[string]bool{}
	var names []string
	for _, c := range children {
		if c.Role == role {
			known[c.ID] = true
			names = append(names, c.ID)
		}
	}
	for _, id := range ids {
		if !known[id] {
			return fmt.Errorf("no %s %q in this cluster; there are %s", role, id, strings.Join(names, ", "))
		}
	}
	for _, id := range ids {
		c, err := admin.Do(cmd.Context(), id, action)
		if err != nil {
			return fmt.Errorf("%s %s: %w", action, id, err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", c.ID, c.Status)
	}
	return nil
}
