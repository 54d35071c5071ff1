// Package shell is the small MySQL client behind `zorya sql`: it cuts input into statements as MySQL's client does, sends
// them over package wire and prints what comes back, as boxes for people or as tab-separated lines for programs.
//
// It takes statements that end with the delimiter (`;` unless a DELIMITER line changed it) or with \G for one column a
// line. Input is read line by line and each statement is sent when it is whole, so a dump of any size loads in the memory of its longest
// statement.
package shell
