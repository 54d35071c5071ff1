package tabledef

import (
	"slices"
	"strconv"
	"strings"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// RowFormat is the ROW_FORMAT that listings show.
func (m *Table) RowFormat() string {
	if f := m.Attrs.Options["ROW_FORMAT"]; f != "" {
		return strings.ToUpper(f[:1]) + strings.ToLower(f[1:])
	}
	return "Dynamic"
}

// CreateOptions are the table's options as listings show them.
func (m *Table) CreateOptions() string {
	var options []string
	for _, k := range sortedKeys(m.Attrs.Options) {
		options = append(options, strings.ToLower(k)+"="+m.Attrs.Options[k])
	}
	if m.Attrs.PartSQL != "" {
		options = append(options, "partitioned")
	}
	return strings.Join(options, " ")
}

// InnoDBName is the table's name in InnoDB's listings.
func (m *Table) InnoDBName() string { return m.Def.Schema + "/" + m.Def.Name }

// ChosenParts are the partitions that a statement names: 1735, 1747.
func (m *Table) ChosenParts(names []string) ([]bool, error) {
	if names == nil {
		return nil, nil
	}
	if m.Attrs.PartSQL == "" {
		return nil, mysqlerr.New(mysqlerr.ER_PARTITION_CLAUSE_ON_NONPARTITIONED)
	}
	out := make([]bool, len(m.Attrs.Parts))
	for _, n := range names {
		i := slices.IndexFunc(m.Attrs.Parts, func(r Partition) bool { return strings.EqualFold(r.Name, n) })
		if i < 0 {
			return nil, mysqlerr.New(mysqlerr.ER_UNKNOWN_PARTITION, n, m.Def.Name)
		}
		out[i] = true
	}
	return out, nil
}

// Persistent reports whether ANALYZE TABLE stores what it finds (STATS_PERSISTENT), Fixed whether nothing but ANALYZE TABLE replaces it (STATS_AUTO_RECALC).
func (m *Table) Persistent() bool { return m.Attrs.Options["STATS_PERSISTENT"] != "0" }
func (m *Table) Fixed() bool      { return m.Attrs.Options["STATS_AUTO_RECALC"] == "0" }

// SamplePages is how many places of an index ANALYZE looks at (STATS_SAMPLE_PAGES); 0: the engine's choice.
func (m *Table) SamplePages() int {
	n, err := strconv.ParseUint(m.Attrs.Options["STATS_SAMPLE_PAGES"], 10, 16)
	if err != nil {
		return 0
	}
	return int(n)
}

// TempSchema is the schema in which temporary tables are kept, under names that no statement can say.
const TempSchema = "#tmp"

// ShownName is the table's name as the user calls it.
func (m *Table) ShownName() string {
	if parts := strings.SplitN(m.Def.Name, "#", 3); m.Def.Schema == TempSchema && len(parts) == 3 {
		return parts[2]
	}
	return m.Def.Name
}
