package wire

import "math"

var typesColumns = NewColumnSet(
	Column{Name: "tiny", Type: TypeTiny, Charset: 63, Length: 4},
	Column{Name: "utiny", Type: TypeTiny, Charset: 63, Length: 3, Flags: FlagUnsigned},
	Column{Name: "short", Type: TypeShort, Charset: 63, Length: 6},
	Column{Name: "int24", Type: TypeInt24, Charset: 63, Length: 9},
	Column{Name: "long", Type: TypeLong, Charset: 63, Length: 11},
	Column{Name: "longlong", Type: TypeLongLong, Charset: 63, Length: 20},
	Column{Name: "ulonglong", Type: TypeLongLong, Charset: 63, Length: 20, Flags: FlagUnsigned},
	Column{Name: "zerofill", Type: TypeLong, Charset: 63, Length: 6, Flags: FlagUnsigned | FlagZerofill},
	Column{Name: "year", Type: TypeYear, Charset: 63, Length: 4, Flags: FlagUnsigned | FlagZerofill},
	Column{Name: "float", Type: TypeFloat, Charset: 63, Length: 12, Decimals: NotFixedDecimals},
	Column{Name: "double", Type: TypeDouble, Charset: 63, Length: 22, Decimals: NotFixedDecimals},
	Column{Name: "decimal", Type: TypeNewDecimal, Charset: 63, Length: 12, Decimals: 2},
	Column{Name: "date", Type: TypeDate, Charset: 63, Length: 10},
	Column{Name: "datetime", Type: TypeDateTime, Charset: 63, Length: 19},
	Column{Name: "datetime6", Type: TypeDateTime, Charset: 63, Length: 26, Decimals: 6},
	Column{Name: "zerodate", Type: TypeDateTime, Charset: 63, Length: 19},
	Column{Name: "time", Type: TypeTime, Charset: 63, Length: 10},
	Column{Name: "time3", Type: TypeTime, Charset: 63, Length: 14, Decimals: 3},
	Column{Name: "varchar", Type: TypeVarString, Charset: 255, Length: 40},
	Column{Name: "blob", Type: TypeBlob, Charset: 63, Length: 65535, Flags: FlagBlob | FlagBinary},
	Column{Name: "null", Type: TypeLong, Charset: 63, Length: 11},
	// Values given as text must come out the same in binary rows.
	Column{Name: "textint", Type: TypeLong, Charset: 63, Length: 11},
	Column{Name: "textdouble", Type: TypeDouble, Charset: 63, Length: 11, Decimals: NotFixedDecimals},
	Column{Name: "textdatetime", Type: TypeDateTime, Charset: 63, Length: 11, Decimals: 6},
	Column{Name: "texttime", Type: TypeTime, Charset: 63, Length: 11},
)

// typesText is the row as the text protocol shows it; "\x00" stands for NULL.
var typesText = []string{
	"-128", "255", "-32768", "-8388608", "-2147483648", "-9223372036854775808", "18446744073709551615", "000042", "2026",
	"1.5", "0.1", "123.45", "2026-11-22", "2026-11-22 04:05:06", "2026-11-22 04:05:06.000789", "0000-00-00 00:00:00",
	"-838:59:59", "01:02:03.004", "héllo", "\x01\x02", "\x00",
	"-42", "-1e100", "2026-11-22 04:05:06.700000", "-12:00:01",
}

// typesBinary is the row as describe prints the binary protocol's values.
var typesBinary = []string{
	"i-128", "u255", "i-32768", "i-8388608", "i-2147483648", "i-9223372036854775808", "u18446744073709551615", "u42", "u2026",
	"f1.5", "f0.1", "d123.45", "t{Year:2026 Month:11 Day:22 Hour:0 Minute:0 Second:0 Micro:0}",
	"t{Year:2026 Month:11 Day:22 Hour:4 Minute:5 Second:6 Micro:0}", "t{Year:2026 Month:11 Day:22 Hour:4 Minute:5 Second:6 Micro:789}",
	"t{Year:0 Month:0 Day:0 Hour:0 Minute:0 Second:0 Micro:0}",
	"T{Neg:true Hour:838 Minute:59 Second:59 Micro:0}", "T{Neg:false Hour:1 Minute:2 Second:3 Micro:4000}", "shéllo", "b\x01\x02", "NULL",
	"i-42", "f-1e+100", "t{Year:2026 Month:11 Day:22 Hour:4 Minute:5 Second:6 Micro:700000}", "T{Neg:true Hour:12 Minute:0 Second:1 Micro:0}",
}

func sendTypes(r *Reply) error {
	if err := r.Columns(typesColumns); err != nil {
		return err
	}
	d := DateTime{Year: 2026, Month: 11, Day: 22, Hour: 4, Minute: 5, Second: 6}
	r.StartRow()
	r.Int64(math.MinInt8)
	r.Uint64(math.MaxUint8)
	r.Int64(math.MinInt16)
	r.Int64(-1 << 23)
	r.Int64(math.MinInt32)
	r.Int64(math.MinInt64)
	r.Uint64(math.MaxUint64)
	r.Uint64(42)
	r.Uint64(2026)
	r.Float32(1.5)
	r.Float64(0.1)
	r.Text("123.45")
	r.DateTime(DateTime{Year: 2026, Month: 11, Day: 22})
	r.DateTime(d)
	d.Micro = 789
	r.DateTime(d)
	r.DateTime(DateTime{})
	r.Time(Time{Neg: true, Hour: 838, Minute: 59, Second: 59})
	r.Time(Time{Hour: 1, Minute: 2, Second: 3, Micro: 4000})
	r.Text("héllo")
	r.Bytes([]byte{1, 2})
	r.Null()
	r.Text("-42")
	r.Text("-1e100")
	r.Text("2026-11-22 04:05:06.700000")
	r.Text("-12:00:01")
	if err := r.EndRow(); err != nil {
		return err
	}
	return r.EndRows(OK{Status: StatusAutocommit})
}
