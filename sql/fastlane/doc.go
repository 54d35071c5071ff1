// Package fastlane runs statements whose shape is simple and hot as compiled plans on the table layer, without the
// general lane's parser and analyser.
//
//	text  --normalize-->  digest + arguments        (normalize.go: literals become ?, lists collapse; clock.go: so does NOW())
//	digest  --cache-->  Statement                   (lane.go: shape parsed once; bounded; template.go: texts of prepared statements, normalised once)
//	Statement + table.Defs  --compile-->  plan      (plan.go, names.go, where.go, probe.go: columns, order of tables, access paths, column definitions)
//	plan + arguments  --run-->  rows or counts      (exec.go, holds.go, interval.go; read.go, aggregate.go: straight into wire's buffer; write.go, assign.go, foreign.go)
//
// A plan is a nested loop over at most four tables. The first is entered by constants: equalities on leading parts of an index, then
// one part in intervals (a range, a list, alternatives), or a list of tuples; where several indexes serve, the arguments of the execution
// that asked for the plan decide by descents into each. The others are entered by equalities with columns of those before. Conditions that no
// access path answers are evaluated on rows (with a locking read below the lock, so that READ COMMITTED keeps no locks on rows that do not match).
//
// A table of a LEFT JOIN (the first one of a RIGHT JOIN of two) comes behind those that its ON names, is entered by conditions of ON alone, and yields a row of NULL where nothing
// matches them; conditions of WHERE on it are always evaluated.
//
// EXISTS and IN with a subquery of tables that indexes lead to are probes (probe.go): steps behind those of FROM, left at the first match.
//
// Text and prepared statements share plans: both end as a digest and arguments.
//
// # Invariants
//
//   - It answers only what it wholly understands, and else declines: then nothing was sent, what it wrote was taken back (the caller rolls
//     the statement back), and the general lane runs the statement from the start. So errors and warnings of statements come from
//     one place; only lock errors (deadlock, timeout, NOWAIT, KILL) and duplicate keys leave this package.
//   - A plan is valid for one *table.Def of each table, compared after Stmt.Open has taken the metadata lock. What a plan depends on besides (database, sql_mode,
//     character sets ...) is either part of the cache's key or must be at its default (general.Settings.Plain).
//   - Column definitions of results are those that the general lane gives for the same text.
//   - Values are converted only where the conversion loses nothing (an integer in range, a string of valid UTF-8 that fits, a date as it would be
//     printed); anything else is declined (kind.go). DOUBLE to DECIMAL goes through the library.
//   - Conditions are true or not: unknown counts as not true, which is right since NOT is taken down to the comparisons when a shape is parsed (not.go).
//   - A duplicate key is answered here (1062), for declining would use up another auto-increment value.
//
// The differential test runs every shape through both lanes and compares rows, definitions, counts and what is stored.
package fastlane
