package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/zoryadb/zorya/cluster/role"
	"github.com/zoryadb/zorya/cluster/supervisor"
	"github.com/zoryadb/zorya/sql/shell"
)

func sqlCommand() *cobra.Command {
	o := shell.Options{Out: os.Stdout, Err: os.Stderr, In: os.Stdin}
	var dir, passwordFile string
	var table, batch, localInfile bool
	cmd := &cobra.Command{
		Use:   "sql",
		Short: "A small MySQL client for a cluster that zorya up runs",
		Long: `A small MySQL client. Statements come from -e, else from standard input; each ends with a semicolon, with \G to see one
column a line, or with what a DELIMITER line says. At a terminal ^C ends the statement that runs.

The password comes from ` + role.PasswordEnv + `, else from --password-file, else from the file in the cluster directory. It is
never an argument, which others could see. Exit status: 0 when every statement succeeded, else 1; input that is no terminal ends
at the first error unless --force is given.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			layout := supervisor.Layout{Dir: dir}
			if o.Connect.Addr == "" {
				state, err := layout.LoadState()
				if err != nil {
					return err
				}
				o.Connect.Addr = state.Instances[0].Address
			}
			if passwordFile == "" {
				passwordFile = layout.PasswordFile()
			}
			var err error
			if o.Connect.Password, err = readPassword(passwordFile); err != nil {
				return err
			}
			// As MySQL's clients do: the server's certificate is made by itself, so it is used, not judged.
			o.Connect.TLS = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
			if localInfile {
				o.Connect.LocalFile = func(name string) (io.ReadCloser, error) { return os.Open(name) }
			}
			o.Interactive = o.Execute == "" && isTerminal(os.Stdin)
			o.Table = table || !batch && isTerminal(os.Stdout)
			err = shell.Run(cmd.Context(), o)
			if errors.Is(err, shell.ErrFailed) {
				os.Exit(1)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&dir, "dir", "zorya-data", "cluster directory of zorya up")
	f.StringVarP(&o.Execute, "execute", "e", "", "statements to execute")
	f.StringVarP(&o.Connect.User, "user", "u", "admin", "MySQL user")
	f.StringVar(&passwordFile, "password-file", "", "file with the password, instead of the cluster directory's")
	f.StringVarP(&o.Connect.Database, "database", "D", "", "database to use")
	f.StringVar(&o.Connect.Addr, "address", "", "host:port, instead of the cluster's writer")
	f.BoolVar(&o.Connect.RequireTLS, "require-tls", false, "fail if the server offers no TLS")
	f.StringVar(&o.Connect.Compression, "compression", "", "zlib or zstd")
	f.BoolVarP(&table, "table", "t", false, "print boxes, at no terminal too")
	f.BoolVarP(&batch, "batch", "B", false, "print tab-separated lines, at a terminal too")
	f.BoolVarP(&o.NoNames, "skip-column-names", "N", false, "print no column names")
	f.BoolVarP(&o.Vertical, "vertical", "E", false, "print one column a line")
	f.BoolVarP(&o.Force, "force", "f", false, "go on after errors")
	f.BoolVar(&localInfile, "local-infile", false, "let LOAD DATA LOCAL INFILE read this host's files")
	return cmd
}

func readPassword(file string) (string, error) {
	if p := os.Getenv(role.PasswordEnv); p != "" {
		return p, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
