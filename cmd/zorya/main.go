// Command zorya is the whole of Zorya in one binary; a subcommand is a role.
//
//	zorya up         a whole cluster on this machine, as processes under one supervisor
//	zorya status     what a cluster is doing
//	zorya check      verify the structure of everything that a cluster stores
//	zorya node       stop, start or kill a storage node of a cluster that `up` runs
//	zorya instance   one instance by itself; also stop, start, kill
//	zorya storage    one storage node by itself
//	zorya control    the embedded metadata store by itself
//	zorya certificate  certificates for mutual TLS between the processes of a cluster
//	zorya sql        a small MySQL client
//	zorya bench      Zorya beside other servers on this machine
//
// The commands only read flags: what they do is in cluster/supervisor, cluster/role and cluster/status.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func main() {
	root := &cobra.Command{
		Use:           "zorya",
		Short:         "A MySQL-compatible database whose storage is a replicated log",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       commit,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(upCommand(), statusCommand(), checkCommand(), nodeCommand(), instanceCommand(), storageCommand(), controlCommand(), certificateCommand(),
		sqlCommand(), benchCommand())
	if err := root.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "zorya:", err)
		os.Exit(1)
	}
}

// commit is set by the build (Makefile).
var commit = "unknown commit"
