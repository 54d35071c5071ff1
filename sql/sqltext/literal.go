package sqltext

import "strings"

// Literal is a text as a literal of SQL that every sql_mode but NO_BACKSLASH_ESCAPES reads.
func Literal(s string) string {
	return "'" + strings.NewReplacer("'", "''", `\`, `\\`, "\x00", `\0`, "\n", `\n`, "\r", `\r`).Replace(s) + "'"
}
