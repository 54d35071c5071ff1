// Package fastlane runs statements whose shape is simple and hot as compiled plans on the table layer, without the
// general lane's parser and analyser.
//
//	text  --normalize-->  digest + arguments        (normalize.go: literals become ?, lists collapse)
//	digest  --cache-->  Statement                   (cache.go: shape parsed once; bounded)
//	Statement + table.Def  --compile-->  plan       (plan.go: columns, access path, column definitions of the result)
//	plan + arguments  --run-->  rows or counts      (read.go, write.go: straight into wire's buffer)
//
// Text and prepared statements share plans: both end as a digest and arguments.
//
// # Invariants
//
//   - It answers only what it wholly understands, and else declines: then nothing was sent, what it wrote was taken back (the caller rolls
//     the statement back), and the general lane runs the statement from the start. So errors and warnings of statements come from
//     one place; only lock errors (deadlock, timeout, NOWAIT, KILL) leave this package.
//   - A plan is valid for one *table.Def, compared after Stmt.Open has taken the metadata lock. What a plan depends on besides (database, sql_mode,
//     character sets ...) is either part of the cache's key or must be at its default (general.Settings.Plain).
//   - Column definitions of results are those that the general lane gives for the same text.
//   - Values are converted only where the conversion is the identity (an integer in range, a string of valid UTF-8 that fits);
//     anything else is declined.
//
// The differential test runs every shape through both lanes and compares rows, definitions, counts and what is stored.
package fastlane
