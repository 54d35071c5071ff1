// Package loadfile cuts the files of LOAD DATA into records and fields, as FIELDS and LINES say. It knows bytes only: what a field is in a column is sql/general's (load_rows.go).
package loadfile
