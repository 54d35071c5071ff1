// Package exact has the expressions of a plan that is ready for execution compute and compare as MySQL does, where the library's own would not: texts by their collation's weights and
// padding, DECIMALs of different scales as what they are, integers that overflow, dates that no calendar has, the keys of hash tables, sorts and DISTINCT.
//
// It comes after package item, which gives the expressions of a bound statement MySQL's types, and after the choice of indexes, which looks into the library's own expressions. It
// knows expressions and single nodes; who walks the plan is sql/general (exact.go).
package exact
