package peer

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// mariadbd is where Debian puts the server.
const mariadbd = "/usr/sbin/mariadbd"

const serveTimeout = time.Minute

// MariaDB starts one server. options are more of mariadbd's.
func MariaDB(ctx context.Context, name string, options ...string) (*Server, error) {
	s := &Server{Name: name}
	if err := s.mariadb(ctx, options); err != nil {
		_ = s.Stop()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return s, nil
}

// MariaDBVersion is what mariadbd says of itself, "" if it is not installed.
func MariaDBVersion() string {
	out, err := exec.Command(mariadbd, "--version").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// account is whom mariadbd runs as: started by root, the one of Debian's package (Galera's rsync refuses to write as root).
func account() string {
	if os.Getuid() != 0 {
		if u, err := user.Current(); err == nil {
			return u.Username
		}
	}
	if _, err := user.Lookup("mysql"); err != nil {
		return "root"
	}
	return "mysql"
}

func (s *Server) mariadb(ctx context.Context, options []string) error {
	for _, p := range []string{mariadbd, "mariadb-install-db"} {
		if _, err := exec.LookPath(p); err != nil {
			return fmt.Errorf("%s: %w", p, ErrMissing)
		}
	}
	dir, err := s.tempDir()
	if err != nil {
		return err
	}
	if s.Port, err = freePort(); err != nil {
		return err
	}
	account := account()
	install := exec.CommandContext(ctx, "mariadb-install-db", "--no-defaults", "--user="+account, "--datadir="+dir, "--auth-root-authentication-method=normal", "--skip-test-db")
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("mariadb-install-db: %w: %.1000s", err, out)
	}
	args := append([]string{
		"--no-defaults", "--user=" + account, "--datadir=" + dir, "--socket=" + filepath.Join(dir, "sock"), "--pid-file=" + filepath.Join(dir, "pid"),
		"--bind-address=127.0.0.1", "--port=" + strconv.Itoa(s.Port), "--server-id=" + strconv.Itoa(s.Port), "--log-error=" + filepath.Join(dir, "error.log"),
		"--log-bin=bin", "--binlog-format=ROW", "--sync-binlog=1", "--innodb-flush-log-at-trx-commit=1",
		"--innodb-buffer-pool-size=256M", "--innodb-log-file-size=512M", "--max-connections=6000", "--max-prepared-stmt-count=1048576",
		"--table-open-cache=8000", "--open-files-limit=65536", "--event-scheduler=OFF", "--skip-name-resolve", "--local-infile=ON",
	}, options...)
	s.Processes = func() ([]Process, error) { return s.own, nil }
	s.Counters = s.mariadbCounters
	s.Restart = func() error {
		cmd := exec.Command(mariadbd, args...)
		if err := s.run(cmd); err != nil {
			return err
		}
		s.own = []Process{{"mariadbd", cmd.Process.Pid}}
		return nil
	}
	if err := s.Restart(); err != nil {
		return err
	}
	root := open("root", "", s.Port)
	defer root.Close()
	return until(ctx, serveTimeout, s.Name+" to serve", func() error { return addAccount(ctx, root) })
}

// addAccount makes User. A Galera node that serves is not ready for that at once.
func addAccount(ctx context.Context, root *sql.DB) error {
	for _, q := range []string{
		"CREATE USER IF NOT EXISTS " + User + "@'%' IDENTIFIED BY '" + Password + "'",
		"GRANT ALL ON *.* TO " + User + "@'%' WITH GRANT OPTION",
	} {
		if _, err := root.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("%.11s: %w", q, err)
		}
	}
	return nil
}

// mariadbCounters reads what InnoDB and the binlog count.
func (s *Server) mariadbCounters() (Counters, error) {
	var c Counters
	rows, err := s.DB().Query(`SELECT variable_name, variable_value FROM information_schema.global_status WHERE variable_name IN
		('Innodb_os_log_written', 'Innodb_data_fsyncs', 'Innodb_data_written', 'Binlog_group_commits', 'Innodb_deadlocks', 'Binlog_bytes_written')`)
	if err != nil {
		return c, fmt.Errorf("%s: counters: %w", s.Name, err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var value float64
		if err := rows.Scan(&name, &value); err != nil {
			return c, fmt.Errorf("%s: counters: %w", s.Name, err)
		}
		switch strings.ToLower(name) {
		case "innodb_os_log_written":
			c.RedoBytes += value
		case "binlog_bytes_written": // the other half of what a commit makes durable
			c.RedoBytes += value
			c.Written += value
		case "innodb_data_fsyncs", "binlog_group_commits":
			c.Syncs += value
		case "innodb_data_written":
			c.Written += value
		case "innodb_deadlocks":
			c.Deadlocks = value
		}
	}
	return c, rows.Err()
}

// SemiSync starts a MariaDB whose commits wait until one of two replicas has them in its relay log (AFTER_SYNC).
func SemiSync(ctx context.Context, name string, options ...string) (*Server, error) {
	s, err := MariaDB(ctx, name, append([]string{"--rpl-semi-sync-master-wait-point=AFTER_SYNC", "--rpl-semi-sync-master-timeout=3600000"}, options...)...)
	if err != nil {
		return nil, err
	}
	var replicas []*Server
	for i := range 2 {
		r, err := MariaDB(ctx, fmt.Sprintf("%s, replica %d", name, i+1), append([]string{"--rpl-semi-sync-slave-enabled=ON", "--read-only=ON"}, options...)...)
		if err != nil {
			_ = s.Stop()
			return nil, err
		}
		replicas = append(replicas, r)
		s.onStop(r.Stop)
		err = r.Exec(ctx, "SET GLOBAL gtid_slave_pos = ''", "RESET MASTER",
			fmt.Sprintf("CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=%d, MASTER_USER='%s', MASTER_PASSWORD='%s', MASTER_CONNECT_RETRY=1", s.Port, User, Password),
			"SET GLOBAL slave_exec_mode = IDEMPOTENT", "START SLAVE") // both sides created the account
		if err != nil {
			_ = s.Stop()
			return nil, err
		}
	}
	err = s.Exec(ctx, "SET GLOBAL rpl_semi_sync_master_enabled = ON") // only now: a commit waits for a replica from here on
	if err == nil {
		err = until(ctx, serveTimeout, "two semi-synchronous replicas", func() error { return s.statusIs(ctx, "Rpl_semi_sync_master_clients", "2") })
	}
	if err != nil {
		_ = s.Stop()
		return nil, err
	}
	s.withMembers(replicas)
	return s, nil
}

// Galera starts a cluster of three MariaDB servers whose commits are certified by all; clients use the first.
func Galera(ctx context.Context, name string, options ...string) (*Server, error) {
	const provider = "/usr/lib/galera/libgalera_smm.so"
	if found, _ := filepath.Glob(provider); len(found) == 0 {
		return nil, fmt.Errorf("%s: %w", provider, ErrMissing)
	}
	var members []*Server
	var first *Server
	address := "gcomm://"
	for i := range 3 {
		base, err := freePort()
		if err != nil {
			return nil, err
		}
		ist, err := freePort()
		if err != nil {
			return nil, err
		}
		sst, err := freePort()
		if err != nil {
			return nil, err
		}
		o := append([]string{
			"--wsrep-on=ON", "--wsrep-provider=" + provider, "--wsrep-cluster-name=bench", "--wsrep-cluster-address=" + address,
			"--wsrep-node-address=127.0.0.1", fmt.Sprintf("--wsrep-node-incoming-address=127.0.0.1:%d", base),
			fmt.Sprintf("--wsrep-provider-options=base_port=%d;gmcast.listen_addr=tcp://127.0.0.1:%d;ist.recv_addr=127.0.0.1:%d;gcache.size=512M", base, base, ist),
			"--wsrep-sst-method=rsync", fmt.Sprintf("--wsrep-sst-receive-address=127.0.0.1:%d", sst), "--innodb-autoinc-lock-mode=2", "--wsrep-slave-threads=4",
		}, options...)
		s, err := MariaDB(ctx, fmt.Sprintf("%s, node %d", name, i+1), o...)
		if err != nil {
			if first != nil {
				_ = first.Stop()
			}
			return nil, err
		}
		if first == nil {
			first, address = s, fmt.Sprintf("gcomm://127.0.0.1:%d", base)
			continue
		}
		members = append(members, s)
		first.onStop(s.Stop)
	}
	first.Name = name
	if err := until(ctx, serveTimeout, "three Galera nodes", func() error { return first.statusIs(ctx, "wsrep_cluster_size", "3") }); err != nil {
		_ = first.Stop()
		return nil, err
	}
	first.withMembers(members)
	return first, nil
}

// withMembers adds the other servers' processes and work to s's.
func (s *Server) withMembers(others []*Server) {
	s.Processes = func() ([]Process, error) {
		var out []Process
		for _, m := range append([]*Server{s}, others...) {
			out = append(out, m.own...)
		}
		return out, nil
	}
	s.Counters = func() (Counters, error) {
		sum, err := s.mariadbCounters()
		for _, m := range others {
			c, e := m.mariadbCounters()
			if e != nil {
				return sum, e
			}
			sum.Syncs += c.Syncs
			sum.Written += c.Written
		}
		return sum, err
	}
}

func (s *Server) statusIs(ctx context.Context, name, want string) error {
	var n, got string
	if err := s.DB().QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE '"+name+"'").Scan(&n, &got); err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%s is %s", name, got)
	}
	return nil
}
