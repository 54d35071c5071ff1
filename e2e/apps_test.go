//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Applications from Debian, installed on Zorya by their own installers and used through their pages in a headless browser. For each there is
// testdata/apps/NAME.sh, which installs and serves it, and NAME.mjs, what its users do; screenshots stay in ZORYA_SHOTS/NAME if that is set.
func TestApps(t *testing.T) {
	need(t, "node", "chromium", "mariadb")
	c := start(t)
	for _, app := range []struct {
		name, needs string // needs is a file of its package
		long        bool   // only in a soak
	}{
		{"wordpress", "/var/cache/zorya-e2e/wordpress/usr/share/wordpress/wp-content/themes/twentytwentythree", false},
		{"django", "/usr/lib/python3/dist-packages/django", false},
		{"phpmyadmin", "/usr/share/phpmyadmin/index.php", true},
		{"redmine", "/usr/share/redmine/config/application.rb", true},
	} {
		t.Run(app.name, func(t *testing.T) {
			if app.long && !soak {
				t.Skip("a soak test")
			}
			for _, f := range []string{app.needs, filepath.Join(driversDir(), "node_modules/puppeteer-core")} {
				if _, err := os.Stat(f); err != nil {
					t.Skipf("not installed (scripts/install-e2e.sh apps): %v", err)
				}
			}
			use(t, c, app.name)
		})
	}
}

// use installs and serves an application and lets the browser walk through it.
func use(t *testing.T, c *cluster, app string) {
	scripts, err := filepath.Abs("testdata/apps")
	if err != nil {
		t.Fatal(err)
	}
	dir, port := t.TempDir(), freePort(t)
	shots := filepath.Join(dir, "shots")
	if keep := os.Getenv("ZORYA_SHOTS"); keep != "" {
		shots = filepath.Join(keep, app)
	}
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	log := serve(t, url, dir, filepath.Join(scripts, app+".sh"), strconv.Itoa(port), strconv.Itoa(c.port), dir)
	fast, slow := lanes(t, c)
	walk := command(t, 10*time.Minute, "node", filepath.Join(scripts, app+".mjs"), url, shots)
	walk.Env = append(walk.Env, "NODE_PATH="+filepath.Join(driversDir(), "node_modules"))
	out, err := walk.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%.8000s\nits server: %s", err, out, tail(log, 3000))
	}
	figure(t, "%s: %d steps pass", app, strings.Count("\n"+string(out), "\nok "))
	fast2, slow2 := lanes(t, c)
	fast, slow = fast2-fast, slow2-slow
	figure(t, "%s: fast lane %.1f %% of %.0f statements", app, 100*fast/max(fast+slow, 1), fast+slow)
}

// lanes is how many statements each lane has run.
func lanes(t *testing.T, c *cluster) (fast, slow float64) {
	db := c.db("")
	for name, to := range map[string]*float64{"Zorya_fastlane_statements": &fast, "Zorya_general_statements": &slow} {
		if err := db.QueryRowContext(t.Context(), "SHOW GLOBAL STATUS LIKE '"+name+"'").Scan(new(string), to); err != nil {
			t.Fatal(err)
		}
	}
	return fast, slow
}

// serve starts an application's web server, in a process group that ends with the test, and waits until it answers. It returns its log.
func serve(t *testing.T, url, dir string, argv ...string) string {
	log := filepath.Join(dir, "setup.log")
	f, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = f, f
	cmd.Env = append(os.Environ(), "MYSQL_PWD="+password)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Error(err)
		}
	})
	deadline := time.After(8 * time.Minute)
	for {
		if r, err := http.Get(url); err == nil {
			r.Body.Close()
			return log
		}
		select {
		case err := <-ended:
			t.Fatalf("the application's server ended: %v: %s", err, tail(log, 3000))
		case <-deadline:
			t.Fatalf("the application's server does not answer: %s", tail(log, 3000))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// tail is the end of a file, n bytes at most.
func tail(path string, n int) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-n):])
}
