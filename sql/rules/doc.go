// Package rules owns the rules over bound plans that need no catalog, no session and no statistics: those that put a rule of ours in the place of one of the library's or around it
// (Replace), those that run before the analyzer (NullableAbove, SpreadFacts) or behind it (ConditionOrder, ComputedOnce), and the check of ONLY_FULL_GROUP_BY.
//
// A rule returns a plan that has the same rows. What it has to know of a table the table tells by a small interface that is declared where it is asked (defined, narrowed).
package rules
