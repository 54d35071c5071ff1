package main

import (
	"bufio"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/spf13/cobra"

	"github.com/zoryadb/zorya/cluster/role"
	"github.com/zoryadb/zorya/cluster/supervisor"
)

func sqlCommand() *cobra.Command {
	var dir, execute, user, database, address string
	cmd := &cobra.Command{
		Use:   "sql",
		Short: "A small MySQL client for a cluster that zorya up runs",
		Long: `A small MySQL client. Statements come from -e, else from standard input: at a terminal each ends with a
semicolon, otherwise the whole input is sent. The password comes from ` + role.PasswordEnv + `, else from the file in the
cluster directory.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			layout := supervisor.Layout{Dir: dir}
			if address == "" {
				state, err := layout.LoadState()
				if err != nil {
					return err
				}
				address = state.Instances[0].Address
			}
			password, err := adminPassword(layout)
			if err != nil {
				return err
			}
			c := mysql.NewConfig()
			c.User, c.Passwd, c.DBName = user, password, database
			c.Net, c.Addr = "tcp", address
			c.MultiStatements, c.TLSConfig = true, "preferred"
			c.Timeout = 10 * time.Second
			connector, err := mysql.NewConnector(c)
			if err != nil {
				return err
			}
			return runSQL(cmd, connector, execute)
		},
	}
	f := cmd.Flags()
	f.StringVar(&dir, "dir", "zorya-data", "cluster directory of zorya up")
	f.StringVarP(&execute, "execute", "e", "", "statements to execute")
	f.StringVarP(&user, "user", "u", "admin", "MySQL user")
	f.StringVarP(&database, "database", "D", "", "database to use")
	f.StringVar(&address, "address", "", "host:port, instead of the cluster's writer")
	return cmd
}

func adminPassword(l supervisor.Layout) (string, error) {
	if p := os.Getenv(role.PasswordEnv); p != "" {
		return p, nil
	}
	b, err := os.ReadFile(l.PasswordFile())
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// client is one session and where its results go.
type client struct {
	conn  *sql.Conn
	out   io.Writer
	table bool // aligned columns for people, else tab-separated
}

func runSQL(cmd *cobra.Command, connector driver.Connector, execute string) error {
	db := sql.OpenDB(connector)
	defer db.Close()
	conn, err := db.Conn(cmd.Context())
	if err != nil {
		return plain(err)
	}
	defer conn.Close()
	c := &client{conn: conn, out: cmd.OutOrStdout(), table: isTerminal(os.Stdout)}
	if execute != "" {
		return plain(c.run(cmd.Context(), execute))
	}
	if !isTerminal(os.Stdin) {
		all, err := io.ReadAll(cmd.InOrStdin())
		if err != nil {
			return fmt.Errorf("read statements: %w", err)
		}
		return plain(c.run(cmd.Context(), string(all)))
	}
	return c.interact(cmd.Context(), cmd.InOrStdin())
}

// interact reads statements that end with a semicolon at the end of a line.
func (c *client) interact(ctx context.Context, in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	var pending strings.Builder
	prompt := "zorya> "
	for {
		fmt.Fprint(c.out, prompt)
		if !lines.Scan() {
			fmt.Fprintln(c.out)
			return lines.Err()
		}
		text := strings.TrimSpace(lines.Text())
		if pending.Len() == 0 && (text == "exit" || text == "quit" || text == `\q`) {
			return nil
		}
		pending.WriteString(lines.Text() + "\n")
		if !strings.HasSuffix(text, ";") {
			prompt = "    -> "
			continue
		}
		if err := c.run(ctx, pending.String()); err != nil {
			fmt.Fprintln(c.out, plain(err))
		}
		pending.Reset()
		prompt = "zorya> "
	}
}

// run executes statements and prints every result set.
func (c *client) run(ctx context.Context, text string) error {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	rows, err := c.conn.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	defer rows.Close()
	for {
		if err := c.print(rows); err != nil {
			return err
		}
		if !rows.NextResultSet() {
			return rows.Err()
		}
	}
}

func (c *client) print(rows *sql.Rows) error {
	names, err := rows.Columns()
	if err != nil || len(names) == 0 {
		return err
	}
	w := c.out
	if c.table {
		t := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		defer t.Flush()
		w = t
	}
	fmt.Fprintln(w, strings.Join(names, "\t"))
	values := make([]sql.RawBytes, len(names))
	into := make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, v := range values {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, cell(v))
		}
		fmt.Fprintln(w)
	}
	return rows.Err()
}

// cell keeps a value in its column and its line, as MySQL's client does in batch mode.
var escaper = strings.NewReplacer("\t", `\t`, "\n", `\n`, "\\", `\\`, "\x00", `\0`)

func cell(v sql.RawBytes) string {
	if v == nil {
		return "NULL"
	}
	return escaper.Replace(string(v))
}

// plain writes a server's error as MySQL's client does.
func plain(err error) error {
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		return fmt.Errorf("ERROR %d (%s): %s", e.Number, e.SQLState[:], e.Message)
	}
	return err
}

func isTerminal(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}
