// Settings of the embedded PostgreSQL: durable, small while idle, and reachable through its socket alone.

const settings: Readonly<Record<string, string>> = {
  listen_addresses: "",
  unix_socket_permissions: "0700",
  cluster_name: "stoa",
  // Each process has some twenty at most; raised for more processes.
  max_connections: "60",
  // Pages count only once they are touched.
  shared_buffers: "128MB",
  effective_cache_size: "1GB",
  random_page_cost: "1.1",
  // The default keeps three idle processes for reading ahead.
  io_method: "sync",
  autovacuum_max_workers: "2",
  autovacuum_worker_slots: "2",
  // Work beside a request runs in jobs, one process each; helpers would only compete with them.
  max_parallel_workers_per_gather: "0",
  // No replicas hang on the embedded server, so its log holds only what recovery needs.
  wal_level: "minimal",
  max_wal_senders: "0",
  max_logical_replication_workers: "0",
  max_wal_size: "1GB",
  min_wal_size: "80MB",
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  // Our statements are short; compiling one costs more than running it.
  jit: "off",
  idle_in_transaction_session_timeout: "60s",
  // A long statement ends when its process has died.
  client_connection_check_interval: "5s",
  timezone: "UTC",
  log_timezone: "UTC",
  logging_collector: "off",
  log_destination: "stderr",
  log_line_prefix: "",
  log_checkpoints: "off",
  // A failed statement is reported to its caller; its text may hold what users wrote, which has no place in a log.
  log_min_messages: "log",
  log_min_error_statement: "panic",
};

/** The settings as arguments of `postgres`; `changes` go before ours. */
export function serverArguments(socketDir: string, changes: Readonly<Record<string, string>>): string[] {
  // The value is a list: quoted, it stays one directory whatever characters the path has.
  const directories = `"${socketDir.replaceAll('"', '""')}"`;
  const all = { ...settings, ...changes, unix_socket_directories: directories };
  return Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}
