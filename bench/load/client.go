package load

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// login is how MariaDB's programs connect. The password travels in the environment.
func login(to Target) []string {
	return []string{"--no-defaults", "-h127.0.0.1", "-P" + strconv.Itoa(to.Port), "-u" + to.User}
}

func withPassword(cmd *exec.Cmd, to Target) *exec.Cmd {
	cmd.Env = append(os.Environ(), "MYSQL_PWD="+to.Password)
	return cmd
}

// Client runs one statement through the stock mariadb client, which may send local files.
func Client(ctx context.Context, to Target, statement string) error {
	cmd := withPassword(exec.CommandContext(ctx, "mariadb", append(login(to), "--local-infile=1", "-e", statement, to.Database)...), to)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mariadb on %s: %w: %.1000s", to.Name, err, out)
	}
	return nil
}

// Dump writes the database to a file with mariadb-dump.
func Dump(ctx context.Context, to Target, path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	cmd := withPassword(exec.CommandContext(ctx, "mariadb-dump", append(login(to), "--single-transaction", to.Database)...), to)
	cmd.Stdout = f
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("mariadb-dump of %s: %w", to.Name, err)
	}
	return f.Close()
}

// Restore loads a dump into a new database.
func Restore(ctx context.Context, to Target, path, database string) error {
	if err := Client(ctx, to, "DROP DATABASE IF EXISTS "+database+"; CREATE DATABASE "+database); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	cmd := withPassword(exec.CommandContext(ctx, "mariadb", append(login(to), database)...), to)
	cmd.Stdin = f
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("restore on %s: %w: %.1000s", to.Name, err, out)
	}
	return nil
}
