package locale

import "testing"

func TestLocales(t *testing.T) {
	if len(all) != 111 || len(byName) != 111 {
		t.Fatal(len(all), len(byName))
	}
	for _, l := range all {
		if len(l.names) != 38 || l.Point == "" {
			t.Errorf("%s has %d names, point %q", l.Name, len(l.names), l.Point)
		}
	}
	for _, c := range []struct{ got, want string }{
		{Find("DE_de").Month(3), "März"}, {Find("de_DE").ShortDay(0), "Mo"}, {Find("en_GB").Day(6), "Sunday"}, {Numbered(109).Name, "el_GR"},
		{Numbered(110).ShortMonth(12), "dec"}, {Find("fr_BE").Month(8), "août"}, {Find("sv_SE").Separator, " "}, {English().ShortMonth(9), "Sep"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	if Find("xx") != nil || Numbered(111) != nil || Numbered(-1) != nil {
		t.Error("a locale that is none is found")
	}
}
