//go:build e2e

package e2e

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// mysqltestBase are the settings that the files' own runner gives every server and that the files take for granted.
var mysqltestBase = []string{"sql_mode='STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'", "character_set_server=latin1", "collation_server=latin1_swedish_ci",
	"log_bin_trust_function_creators=1", "local_infile=1", "key_buffer_size=1048576", "sort_buffer_size=262144", "max_heap_table_size=1048576", "connect_timeout=60", "slave_net_timeout=120"}

var (
	mysqltestOption = regexp.MustCompile(`^--(?:loose[-_])?([a-z][\w-]*)(?:=(.*))?$`)
	mysqltestNumber = regexp.MustCompile(`^-?\d+(\.\d+)?$`)
	mysqltestUnit   = map[string]string{"K": "*1024", "M": "*1048576", "G": "*1073741824"}
)

// mysqltestOptions are the options that a file's own .opt files give its server, as assignments to global variables: the runner here does not start servers.
func mysqltestOptions(test string) (set []string) {
	dir := filepath.Dir(test)
	for _, path := range []string{filepath.Join(dir, "suite.opt"), filepath.Join(filepath.Dir(dir), "suite.opt"), strings.TrimSuffix(test, ".test") + ".opt", strings.TrimSuffix(test, ".test") + "-master.opt"} {
		f, err := os.Open(path)
		if err != nil {
			continue // most files have none
		}
		words := bufio.NewScanner(f)
		words.Split(bufio.ScanWords)
		for words.Scan() {
			m := mysqltestOption.FindStringSubmatch(words.Text())
			if m == nil {
				continue
			}
			name, value := strings.ReplaceAll(m[1], "-", "_"), strings.Trim(m[2], `'"`)
			switch {
			case strings.Contains(value, "$"), name == "max_user_connections": // the latter would shut the runner out
				continue
			case !strings.Contains(words.Text(), "="):
				if value = "1"; strings.HasPrefix(name, "skip_") {
					name, value = name[len("skip_"):], "0"
				}
			case mysqltestNumber.MatchString(value):
			case len(value) > 1 && mysqltestNumber.MatchString(value[:len(value)-1]) && mysqltestUnit[strings.ToUpper(value[len(value)-1:])] != "":
				value = value[:len(value)-1] + mysqltestUnit[strings.ToUpper(value[len(value)-1:])]
			default:
				value = "'" + strings.ReplaceAll(value, "'", "''") + "'"
			}
			set = append(set, name+"="+value)
		}
		f.Close()
	}
	return set
}
