// Package supervisor runs a whole cluster on one machine as real processes: it starts control, the storage
// nodes and the instance as children (the same binary, another subcommand), watches them by
// waitpid and restarts at once what dies. It owns the cluster directory.
//
// # Cluster directory (0700)
//
//	cluster.json      State: format, cluster id, ports (0600)
//	lock              flock held by the running supervisor; its pid
//	supervisor.sock   administration: who runs, stop, start, kill
//	admin-password    of the MySQL user admin (0600)
//	control/          embedded etcd
//	nodes/ID/         one storage node
//	instances/ID/     an instance's TLS certificate and temporary files
//	log/ID.log        stderr of each process, rotated
//
// # Invariants
//
//   - One supervisor a directory (flock), and no child outlives it: each holds the read end of a pipe whose
//     write end only the supervisor has, and exits when it closes.
//   - No secret is in an argument, an environment or a log: the password travels in a file.
//   - The MySQL port belongs to the supervisor, which hands the listening socket down. A client that connects
//     while the instance restarts waits in the accept queue rather than being refused.
//
// The children's side of this is in cluster/role.
package supervisor
