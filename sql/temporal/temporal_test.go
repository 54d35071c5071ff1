package temporal

import (
	"cmp"
	"fmt"
	"testing"
	"time"
)

func date(y, m, d int) Value { return Value{Year: y, Month: m, Day: d, Kind: Date} }

// TestParseDatetime: what texts are dates (reference manual 8.0, 11.2.8 and 11.2.2; sql-common/my_time.cc, str_to_datetime).
func TestParseDatetime(t *testing.T) {
	for _, x := range []struct {
		text string
		want string
		st   Status
	}{
		{"120314", "2012-03-14", OK}, {"20120314", "2012-03-14", OK}, {"700101", "1970-01-01", OK}, {"20120314151617", "2012-03-14 15:16:17.000000", OK},
		{"120314151617", "2012-03-14 15:16:17.000000", OK}, {"20120314T151617", "2012-03-14 15:16:17.000000", OK}, {"2012.11.12", "2012-11-12", OK},
		{"2012-011-012", "2012-11-12", OK}, {"12^3^4 5:6:7", "2012-03-04 05:06:07.000000", OK}, {"2012/3/4 5:6:7.25", "2012-03-04 05:06:07.250000", OK},
		{"10:11:12", "2010-11-12", OK}, {"2024-00-10", "2024-00-10", OK}, {"0000-00-00", "0000-00-00", OK},
		{"1999-12-31 23:59:59.9999995", "2000-01-01 00:00:00.000000", OK}, {"2012-03-04x", "2012-03-04", Cut}, {"2012-03-04 05:06:07 x", "2012-03-04 05:06:07.000000", Cut},
		{"2012-13-01", "", Bad}, {"2012-02-30", "", Bad}, {"abc", "", Bad}, {"12", "", Bad}, {"2012-03-04 25:00:00", "", Bad}, {"", "", Bad}, {"2024 01 02", "", Bad},
	} {
		v, st := ParseDatetime(x.text, Fuzzy)
		got := ""
		if st != Bad {
			got = v.Text(6)
		}
		if got != x.want || st != x.st {
			t.Errorf("%q: %q %d, want %q %d", x.text, got, st, x.want, x.st)
		}
	}
	if _, st := ParseDatetime("0000-00-00", NoZero); st != Bad {
		t.Error("NO_ZERO_DATE allows 0000-00-00")
	}
	if _, st := ParseDatetime("2024-00-10", 0); st != Bad {
		t.Error("a zero month where none is allowed")
	}
}

func TestParseTime(t *testing.T) {
	for _, x := range []struct {
		text string
		want string
		st   Status
	}{
		{"10:11:12.5", "10:11:12.500000", OK}, {"-1 2:3", "-26:03:00.000000", OK}, {"101112", "10:11:12.000000", OK}, {"12", "00:00:12.000000", OK},
		{"2024-12-31", "00:20:24.000000", Cut}, {"2024-12-31 10:11:12", "2024-12-31 10:11:12.000000", OK}, {"839:00:00", "838:59:59.000000", Range},
		{"-838:59:59.5", "-838:59:59.000000", Range}, {"10:60:00", "", Bad}, {"abc", "", Bad}, {"", "", Bad}, {"9999-12-31", "", Bad},
	} {
		v, st := ParseTime(x.text)
		got := ""
		if st != Bad {
			got = v.Text(6)
		}
		if got != x.want || st != x.st {
			t.Errorf("%q: %q %d, want %q %d", x.text, got, st, x.want, x.st)
		}
	}
}

func TestOfNumber(t *testing.T) {
	for n, want := range map[int64]string{20240131: "2024-01-31", 240131: "2024-01-31", 101: "2000-01-01", 700101: "1970-01-01", 20240131101112: "2024-01-31 10:11:12",
		240131101112: "2024-01-31 10:11:12", 20241301: "", 100: "", 991232: "", 99991231235960: "", -1: ""} {
		v, st := OfNumber(n, 0, 0)
		got := ""
		if st == OK {
			got = v.Text(0)
		}
		if got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// TestTimeOfNumber: minutes and seconds are looked at before the hours' bound.
func TestTimeOfNumber(t *testing.T) {
	for n, want := range map[int64]string{101112: "10:11:12", 8385959: "838:59:59", 8390000: "838:59:59 2", 8388607: "", 99999999: "", 20240131101112: "2024-01-31 10:11:12", 6060: ""} {
		v, st := TimeOfNumber(n, 0, false)
		got := ""
		switch st {
		case OK:
			got = v.Text(0)
		case Range:
			got = fmt.Sprint(v.Text(0), " ", st)
		}
		if got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// TestDayNumbers: every day has its number, up to 9999-12-31.
func TestDayNumbers(t *testing.T) {
	if DayNumber(1970, 1, 1) != DaysTo1970 || DayNumber(9999, 12, 31) != LastDay {
		t.Fatal(DayNumber(1970, 1, 1), DayNumber(9999, 12, 31))
	}
	for n := int64(366); n <= LastDay; n++ {
		if y, m, d := OfDayNumber(n); DayNumber(y, m, d) != n {
			t.Fatalf("%d is %d-%d-%d, whose number is %d", n, y, m, d, DayNumber(y, m, d))
		}
	}
}

func TestWeek(t *testing.T) {
	for _, x := range []struct {
		v    Value
		want [8]int
	}{ // MariaDB's answers
		{date(2024, 12, 31), [8]int{52, 53, 52, 1, 53, 53, 1, 53}},
		{date(2021, 1, 1), [8]int{0, 0, 52, 53, 0, 0, 53, 52}},
		{date(2008, 2, 20), [8]int{7, 8, 7, 8, 8, 7, 8, 7}},
	} {
		for mode, want := range x.want {
			if got, _ := x.v.Week(WeekMode(int64(mode))); got != want {
				t.Errorf("%s, %d: %d, want %d", x.v.Text(0), mode, got, want)
			}
		}
	}
}

func TestAdd(t *testing.T) {
	for _, x := range []struct {
		v    Value
		n    int64
		unit string
		want string
	}{
		{date(2024, 1, 31), 1, "MONTH", "2024-02-29"}, {date(2024, 2, 29), 1, "YEAR", "2025-02-28"}, {date(2018, 12, 31), 1, "DAY", "2019-01-01"},
		{date(2018, 12, 31), -1, "SECOND", "2018-12-30 23:59:59"}, {date(9999, 12, 31), 1, "DAY", ""}, {date(9999, 12, 31), 1, "YEAR", ""},
		{date(2020, 2, 31), 1, "YEAR", "2021-02-31"}, {date(2020, 4, 31), -1, "YEAR", "2019-04-31"}, {date(2020, 2, 31), 12, "MONTH", "2021-02-28"}, {date(3, 1, 1), -4, "YEAR", ""},
		{date(2024, 1, 1), 1 << 62, "MICROSECOND", ""}, {date(2024, 1, 1), -1 << 63, "DAY", ""}, {date(2024, 1, 1), 1 << 62, "WEEK", ""},
	} {
		got := ""
		if v, ok := x.v.Add(IntervalOf(x.unit, x.n, 0), x.unit); ok {
			got = v.Text(0)
		}
		if got != x.want {
			t.Errorf("%s + %d %s: %q, want %q", x.v.Text(0), x.n, x.unit, got, x.want)
		}
	}
}

// FuzzPacked: what is stored of a date, and what the general lane holds it as, is that date, and sorts as its text does.
func FuzzPacked(f *testing.F) {
	f.Add(uint32(0), uint64(0), uint32(0), uint64(1))
	f.Add(uint32(2020*13*32), uint64(86399999999), uint32(2020*13*32+10), uint64(0))
	f.Add(uint32((2020*13+2)*32+29), uint64(5), uint32((2020*13+2)*32+31), uint64(4))
	f.Add(uint32((1900*13+2)*32+29), uint64(5), uint32((1900*13+3)*32+1), uint64(4))
	f.Add(uint32(2*32+29), uint64(5), uint32(9999*13*32+12*32+31), uint64(86399999999))
	f.Fuzz(func(t *testing.T, day1 uint32, clock1 uint64, day2 uint32, clock2 uint64) {
		var v [2]Value
		for i, day := range [2]uint32{day1, day2} {
			n := int(day % (10000 * 13 * 32))
			v[i] = Value{Year: n / (13 * 32), Month: n / 32 % 13, Day: n % 32, Kind: Datetime}
			v[i].setClock(int64([2]uint64{clock1, clock2}[i] % dayMicros))
			if out := OfPacked(v[i].Packed()); out != v[i] {
				t.Fatalf("%s packed is %s", v[i].Text(6), out.Text(6))
			}
			if out := OfPackedDay(v[i].PackedDay()); out.Text(0) != v[i].Text(6)[:10] {
				t.Fatalf("%s packed without its time is %s", v[i].Text(6), out.Text(0))
			}
			at := v[i].Held()
			if out := OfHeld(at); out != v[i] {
				t.Fatalf("%s is held as %s, which is %s", v[i].Text(6), at, out.Text(6))
			}
			if h, m, s := at.Clock(); h != v[i].Hour || m != v[i].Minute || s != v[i].Second || at.Location() != time.UTC {
				t.Fatalf("%s is held as %s", v[i].Text(6), at)
			}
		}
		want := cmp.Compare(v[0].Text(6), v[1].Text(6))
		if got := cmp.Compare(v[0].Packed(), v[1].Packed()); got != want {
			t.Fatalf("%s and %s packed compare as %d", v[0].Text(6), v[1].Text(6), got)
		}
		if got := Compare(v[0].Held(), v[1].Held()); got != want {
			t.Fatalf("%s and %s held compare as %d", v[0].Text(6), v[1].Text(6), got)
		}
	})
}

// TestHeldDays: time.Time has every date of the calendar as itself.
func TestHeldDays(t *testing.T) {
	for n := int64(366); n <= LastDay; n++ {
		y, m, d := OfDayNumber(n)
		if at := date(y, m, d).Held(); Odd(at) || at.Unix() != (n-DaysTo1970)*daySeconds {
			t.Fatalf("%d-%d-%d is held as %s", y, m, d, at)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, x := range []struct {
		text    string
		allowed [8]bool // by Fuzzy, NoZero, Invalid
	}{
		{"2024-02-29", [8]bool{true, true, true, true, true, true, true, true}},
		{"0000-00-00", [8]bool{true, true, false, false, true, true, false, false}},
		{"0000-00-00 05:40:07", [8]bool{false, true, false, true, false, true, false, true}},
		{"2024-00-10", [8]bool{false, true, false, true, false, true, false, true}},
		{"2024-02-31", [8]bool{false, false, false, false, true, true, true, true}},
		{"2024-02-00", [8]bool{false, true, false, true, false, true, false, true}},
		{"2024-02-32", [8]bool{}},
	} {
		for flags, want := range x.allowed {
			if _, st := ParseDatetime(x.text, Flags(flags)); (st == OK) != want {
				t.Errorf("%s, flags %d: allowed is %t", x.text, flags, st == OK)
			}
		}
	}
}

func TestRound(t *testing.T) {
	for _, x := range []struct {
		text   string
		digits int
		want   string
		ok     bool
	}{
		{"2024-12-31 23:59:59.7", 0, "2025-01-01 00:00:00.000000", true}, {"9999-12-31 23:59:59.7", 0, "", false}, {"9999-12-31 23:59:59.7", 1, "9999-12-31 23:59:59.700000", true},
		{"2024-00-10 10:00:00.4", 0, "2024-00-10 10:00:00.000000", true}, {"2024-00-10 10:00:00.7", 0, "", false}, {"0000-00-00 10:00:00.35", 1, "0000-00-00 10:00:00.400000", true},
		{"2024-02-31 10:00:00.123456", 3, "2024-02-31 10:00:00.123000", true}, {"0000-00-00 10:00:59.9", 0, "", false},
	} {
		v, _ := ParseDatetime(x.text, Fuzzy|Invalid)
		at, ok := Round(v.Held(), x.digits)
		if ok != x.ok || ok && OfHeld(at).Text(6) != x.want {
			t.Errorf("%s, %d digits: %s %t", x.text, x.digits, OfHeld(at).Text(6), ok)
		}
	}
}
