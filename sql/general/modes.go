package general

import (
	"context"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
)

// defaultMode is MySQL 8.0's sql_mode.
const defaultMode = "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"

// modes are the bits of sql_mode from the lowest, in which order they are shown. MySQL 8.0 has no NO_AUTO_CREATE_USER any more and refuses it; here it
// may stay, so that the dumps of what people come from can be loaded.
const modes = `REAL_AS_FLOAT PIPES_AS_CONCAT ANSI_QUOTES IGNORE_SPACE NOT_USED ONLY_FULL_GROUP_BY NO_UNSIGNED_SUBTRACTION NO_DIR_IN_CREATE
	NOT_USED_9 NOT_USED_10 NOT_USED_11 NOT_USED_12 NOT_USED_13 NOT_USED_14 NOT_USED_15 NOT_USED_16 NOT_USED_17 NOT_USED_18 ANSI
	NO_AUTO_VALUE_ON_ZERO NO_BACKSLASH_ESCAPES STRICT_TRANS_TABLES STRICT_ALL_TABLES NO_ZERO_IN_DATE NO_ZERO_DATE ALLOW_INVALID_DATES
	ERROR_FOR_DIVISION_BY_ZERO TRADITIONAL NO_AUTO_CREATE_USER HIGH_NOT_PRECEDENCE NO_ENGINE_SUBSTITUTION PAD_CHAR_TO_FULL_LENGTH
	TIME_TRUNCATE_FRACTIONAL`

// combinations are the modes that stand for others too.
var combinations = [][2]string{
	{"ANSI", "REAL_AS_FLOAT PIPES_AS_CONCAT ANSI_QUOTES IGNORE_SPACE ONLY_FULL_GROUP_BY"},
	{"TRADITIONAL", "STRICT_TRANS_TABLES STRICT_ALL_TABLES NO_ZERO_IN_DATE NO_ZERO_DATE ERROR_FOR_DIVISION_BY_ZERO NO_ENGINE_SUBSTITUTION"},
}

// modeType is the type of sql_mode: a set whose combinations are written out when they are assigned.
type modeType struct {
	sql.SetType // what the library turns bits into names by
	variable    sql.SystemVariableType
}

// typeOfModes is the type of sql_mode.
func typeOfModes() sql.SystemVariableType {
	t := types.NewSystemSetType("sql_mode", sql.Collation_utf8mb4_0900_ai_ci, strings.Fields(modes)...)
	return modeType{t.(sql.SetType), t}
}

// EncodeValue implements sql.SystemVariableType.
func (t modeType) EncodeValue(v any) (string, error) { return t.variable.EncodeValue(v) }

// DecodeValue implements sql.SystemVariableType.
func (t modeType) DecodeValue(v string) (any, error) { return t.variable.DecodeValue(v) }

// UnderlyingType implements sql.SystemVariableType.
func (t modeType) UnderlyingType() sql.Type { return t.variable.UnderlyingType() }

// Convert implements sql.Type.
func (t modeType) Convert(ctx context.Context, v any) (any, sql.ConvertInRange, error) {
	v, in, err := t.variable.Convert(ctx, v)
	set, ok := v.(uint64)
	if err != nil || !ok {
		return v, in, err
	}
	for _, c := range combinations {
		if set&modeBits(c[0]) != 0 {
			set |= modeBits(c[1])
		}
	}
	return set, in, nil
}

// modeBits are the bits of modes, which blanks separate.
func modeBits(list string) uint64 {
	var bits uint64
	all := strings.Fields(modes)
	for _, m := range strings.Fields(list) {
		bits |= 1 << slices.Index(all, m)
	}
	return bits
}
