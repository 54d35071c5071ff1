package status

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Table writes the status for people.
func (s *Status) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	c := s.Cluster
	fmt.Fprintf(t, "CLUSTER\tSTATUS\tWRITER\tVOLUME EPOCH\tMEMBERSHIP EPOCH\tGROUPS\tVCL\tVDL\n")
	fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\n\n", c.ID, c.Status, orDash(c.Writer), c.VolumeEpoch, c.MembershipEpoch, c.ProtectionGroups, c.VCL, c.VDL)
	fmt.Fprintf(t, "INSTANCE\tROLE\tADDRESS\tPID\tSTATUS\n")
	for _, i := range s.Instances {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", i.ID, i.Role, i.Address, pid(i.PID), i.Status)
	}
	fmt.Fprintf(t, "\nSTORAGE NODE\tAZ\tADDRESS\tPID\tSTATUS\tSEGMENTS\tSCL LAG\tGAPS\tREPAIRING\tDAMAGED\tREPAIRS\tLOG\tIMAGES\n")
	for _, n := range s.StorageNodes {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%s\n", n.ID, n.AZ, n.Address, pid(n.PID), n.Status, n.Segments,
			n.SCLLag, n.Gaps, n.Repairing, n.Damaged, n.Repairs, megabytes(n.LogBytes), megabytes(n.ImageBytes))
	}
	return t.Flush()
}

func megabytes(n uint64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func pid(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}
