// Package windows computes window functions over their frames: aggregates with OVER by the buffers that GROUP BY uses, RANGE frames with an offset, and the functions of rows that the
// library lacks. Parting and ordering the rows is the library's.
package windows
