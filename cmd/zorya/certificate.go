package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/zoryadb/zorya/cluster/meta"
	"github.com/zoryadb/zorya/cluster/pki"
)

func certificateCommand() *cobra.Command {
	var dir string
	var hosts []string
	cmd := &cobra.Command{
		Use:   "certificate NAME",
		Short: "Make a certificate for mutual TLS between the processes of a cluster",
		Long: `Make a certificate for mutual TLS between the processes of a cluster: DIR/NAME.pem and DIR/NAME-key.pem, signed by the
authority DIR/ca.pem, which is made when there is none. Copy the three files to the host that needs them and give them to
zorya storage, instance, control and status as --tls-cert, --tls-key and --tls-ca. DIR/ca-key.pem stays here: who has it
can join the cluster. A certificate is good for two years; a renewed file is used without a restart.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !meta.ValidName(args[0]) || args[0] == "ca" || args[0] == "ca-key" {
				return fmt.Errorf("name %q: want 1 to 63 lower-case letters, digits and hyphens, and not ca", args[0])
			}
			if len(hosts) == 0 {
				return errors.New("name the hosts by which others connect to this one (--host)")
			}
			f, err := pki.Issue(dir, args[0], hosts...)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "--tls-ca %s --tls-cert %s --tls-key %s\n", f.CA, f.Cert, f.Key)
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "zorya-pki", "directory of the authority and its certificates")
	cmd.Flags().StringSliceVar(&hosts, "host", nil, "names or IP addresses of the host")
	return cmd
}
