// Package meta owns the cluster's metadata: which storage nodes and instances exist and where they
// listen, which volumes there are, who writes them under which epoch, and which segments make up each
// protection group. It lives in etcd and is reached through the etcd client only, so that the embedded server
// (cluster/control) and an external etcd cluster are the same thing to it.
//
// # Keys
//
// Everything of one cluster stands below /zorya/CLUSTER/ (one etcd may hold many clusters):
//
//	format                      version of this layout, decimal
//	cluster                     Cluster: its id and its volume
//	nodes/ID                    Registration of a storage node, kept while the node is down
//	instances/ID                Registration of an instance, with its role and promotion tier
//	alive/nodes/ID              present while the process renews its lease
//	alive/instances/ID
//	volumes/VOLUME/head         epoch, writer, timeline, geometry
//	volumes/VOLUME/pg/%08x      Membership of one protection group
//	workflows/, parameters/     reserved: reconcilers' desired state, parameter groups
//
// A protection group has a key of its own because a volume of 128 TiB has 13,108 of them, more than etcd
// takes in one value.
//
// # Invariants
//
//   - A volume's epoch only grows; whoever raises it is the one writer under it. Every change of a volume is
//     one etcd transaction that compares the head's revision, so a fenced writer can neither grow the volume
//     nor change a membership.
//   - A membership's epoch grows by exactly one with each change.
//   - A registration outlives its process: the data plane finds a node by what was last known (Directory), also
//     while etcd is down.
//
// Who uses it: storage/volume through proto.Meta, storage/transport through proto.Dialer (Directory gives the
// addresses), cluster/status, cluster/repair.
package meta
