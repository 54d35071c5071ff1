package meta

import (
	"fmt"

	"github.com/zoryadb/zorya/storage/proto"
)

// FormatVersion is the version of the key layout. A store of a newer version is refused.
const FormatVersion = 1

// keys builds the keys of one cluster.
type keys struct{ root string }

func newKeys(cluster string) keys { return keys{root: "/zorya/" + cluster + "/"} }

func (k keys) format() string  { return k.root + "format" }
func (k keys) cluster() string { return k.root + "cluster" }

func (k keys) registrations(kind Kind) string        { return k.root + string(kind) + "/" }
func (k keys) registration(r Kind, id string) string { return k.registrations(r) + id }
func (k keys) alivePrefix() string                   { return k.root + "alive/" }
func (k keys) alive(kind Kind, id string) string {
	return k.alivePrefix() + string(kind) + "/" + id
}

func (k keys) volumes() string                { return k.root + "volumes/" }
func (k keys) volume(v proto.VolumeID) string { return k.volumes() + v.String() + "/" }
func (k keys) head(v proto.VolumeID) string   { return k.volume(v) + "head" }
func (k keys) pgs(v proto.VolumeID) string    { return k.volume(v) + "pg/" }
func (k keys) pg(v proto.VolumeID, pg proto.PG) string {
	return fmt.Sprintf("%s%08x", k.pgs(v), uint32(pg))
}
