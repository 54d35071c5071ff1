package general

// variableList are the system variables of MySQL 8.0 that the library lacks, so that what clients, tools and dumps read and set is there.
// A line is: name, scope, type, default. Scopes: G global, B global and session, S session; in lower case: read-only. Types: bool,
// int:least:most, real:least:most, enum:value,..., text, switch. Those that tune InnoDB's files, MySQL's replication or plugins have no effect.
const variableList = `
authentication_policy G text *,,
binlog_cache_size G int:4096:18446744073709547520 32768
binlog_direct_non_transactional_updates B bool OFF
binlog_encryption G bool OFF
binlog_error_action G enum:IGNORE_ERROR,ABORT_SERVER ABORT_SERVER
binlog_expire_logs_auto_purge G bool ON
binlog_group_commit_sync_delay G int:0:1000000 0
binlog_group_commit_sync_no_delay_count G int:0:100000 0
binlog_max_flush_queue_time G int:0:100000 0
binlog_order_commits G bool ON
binlog_rotate_encryption_master_key_at_startup g bool OFF
binlog_row_event_max_size g int:256:18446744073709551615 8192
binlog_row_value_options B enum:,PARTIAL_JSON
binlog_rows_query_log_events B bool OFF
binlog_stmt_cache_size G int:4096:18446744073709547520 32768
binlog_transaction_compression B bool OFF
binlog_transaction_compression_level_zstd B int:1:22 3
binlog_transaction_dependency_history_size G int:1:1000000 25000
binlog_transaction_dependency_tracking G enum:COMMIT_ORDER,WRITESET,WRITESET_SESSION COMMIT_ORDER
connection_memory_chunk_size B int:0:536870912 8192
connection_memory_limit B int:2097152:18446744073709551615 18446744073709551615
global_connection_memory_limit G int:16777216:18446744073709551615 18446744073709551615
global_connection_memory_tracking B bool OFF
have_compress g text YES
have_dynamic_loading g text NO
have_geometry g text YES
have_openssl g text YES
have_profiling g text YES
have_query_cache g text NO
have_rtree_keys g text YES
have_ssl g text YES
have_symlink g text DISABLED
init_replica G text
init_slave G text
innodb_adaptive_flushing G bool ON
innodb_adaptive_flushing_lwm G int:0:70 10
innodb_adaptive_hash_index G bool ON
innodb_adaptive_hash_index_parts g int:1:512 8
innodb_adaptive_max_sleep_delay G int:0:1000000 150000
innodb_api_bk_commit_interval G int:1:1073741824 5
innodb_api_disable_rowlock g bool OFF
innodb_api_enable_binlog g bool OFF
innodb_api_enable_mdl g bool OFF
innodb_api_trx_level G int:0:3 0
innodb_autoextend_increment G int:1:1000 64
innodb_buffer_pool_chunk_size g int:1048576:18446744073709551615 134217728
innodb_buffer_pool_dump_at_shutdown G bool ON
innodb_buffer_pool_dump_now G bool OFF
innodb_buffer_pool_dump_pct G int:1:100 25
innodb_buffer_pool_filename G text ib_buffer_pool
innodb_buffer_pool_in_core_file G bool ON
innodb_buffer_pool_instances g int:1:64 1
innodb_buffer_pool_load_abort G bool OFF
innodb_buffer_pool_load_at_startup g bool ON
innodb_buffer_pool_load_now G bool OFF
innodb_change_buffer_max_size G int:0:50 25
innodb_change_buffering G enum:none,inserts,deletes,changes,purges,all all
innodb_checksum_algorithm G enum:crc32,strict_crc32,innodb,strict_innodb,none,strict_none crc32
innodb_cmp_per_index_enabled G bool OFF
innodb_commit_concurrency G int:0:1000 0
innodb_compression_failure_threshold_pct G int:0:100 5
innodb_compression_level G int:0:9 6
innodb_compression_pad_pct_max G int:0:75 50
innodb_concurrency_tickets G int:1:4294967295 5000
innodb_data_file_path g text ibdata1:12M:autoextend
innodb_data_home_dir g text
innodb_ddl_buffer_size B int:65536:4294967295 1048576
innodb_ddl_threads B int:1:64 4
innodb_deadlock_detect G bool ON
innodb_dedicated_server g bool OFF
innodb_default_row_format G enum:redundant,compact,dynamic dynamic
innodb_directories g text
innodb_disable_sort_file_cache G bool OFF
innodb_doublewrite G enum:OFF,ON,DETECT_AND_RECOVER,DETECT_ONLY ON
innodb_doublewrite_batch_size g int:0:256 0
innodb_doublewrite_dir g text
innodb_doublewrite_files g int:1:256 2
innodb_doublewrite_pages g int:0:512 4
innodb_extend_and_initialize G bool ON
innodb_fast_shutdown G int:0:2 1
innodb_file_per_table G bool ON
innodb_fill_factor G int:10:100 100
innodb_flush_log_at_timeout G int:1:2700 1
innodb_flush_log_at_trx_commit G enum:0,1,2 1
innodb_flush_method g text fsync
innodb_flush_neighbors G enum:0,1,2 0
innodb_flush_sync G bool ON
innodb_flushing_avg_loops G int:1:1000 30
innodb_force_load_corrupted g bool OFF
innodb_force_recovery g int:0:6 0
innodb_fsync_threshold G int:0:18446744073709551615 0
innodb_ft_aux_table G text
innodb_ft_cache_size g int:1600000:80000000 8000000
innodb_ft_enable_diag_print G bool OFF
innodb_ft_enable_stopword B bool ON
innodb_ft_max_token_size g int:10:84 84
innodb_ft_min_token_size g int:0:16 3
innodb_ft_num_word_optimize G int:1000:10000 2000
innodb_ft_result_cache_limit G int:1000000:4294967295 2000000000
innodb_ft_server_stopword_table G text
innodb_ft_sort_pll_degree g int:1:32 2
innodb_ft_total_cache_size g int:32000000:1600000000 640000000
innodb_ft_user_stopword_table B text
innodb_idle_flush_pct G int:0:100 100
innodb_io_capacity G int:100:18446744073709551615 200
innodb_io_capacity_max G int:100:18446744073709551615 2000
innodb_log_buffer_size G int:1048576:4294967295 16777216
innodb_log_checksums G bool ON
innodb_log_compressed_pages G bool ON
innodb_log_file_size g int:4194304:18446744073709551615 50331648
innodb_log_files_in_group g int:2:100 2
innodb_log_group_home_dir g text ./
innodb_log_spin_cpu_abs_lwm G int:0:4294967295 80
innodb_log_spin_cpu_pct_hwm G int:0:100 50
innodb_log_wait_for_flush_spin_hwm G int:0:4294967295 400
innodb_log_write_ahead_size G int:512:16384 8192
innodb_log_writer_threads G bool ON
innodb_lru_scan_depth G int:100:18446744073709551615 1024
innodb_max_dirty_pages_pct G real:0:99.99 90
innodb_max_dirty_pages_pct_lwm G real:0:99.99 10
innodb_max_purge_lag G int:0:4294967295 0
innodb_max_purge_lag_delay G int:0:10000000 0
innodb_max_undo_log_size G int:10485760:18446744073709551615 1073741824
innodb_monitor_disable G text
innodb_monitor_enable G text
innodb_monitor_reset G text
innodb_monitor_reset_all G text
innodb_numa_interleave g bool OFF
innodb_old_blocks_pct G int:5:95 37
innodb_old_blocks_time G int:0:4294967295 1000
innodb_online_alter_log_max_size G int:65536:18446744073709551615 134217728
innodb_open_files G int:10:2147483647 4000
innodb_optimize_fulltext_only G bool OFF
innodb_page_cleaners g int:1:64 1
innodb_page_size g int:4096:65536 16384
innodb_parallel_read_threads B int:1:256 4
innodb_print_all_deadlocks G bool OFF
innodb_print_ddl_logs G bool OFF
innodb_purge_batch_size G int:1:5000 300
innodb_purge_rseg_truncate_frequency G int:1:128 128
innodb_purge_threads g int:1:32 4
innodb_random_read_ahead G bool OFF
innodb_read_ahead_threshold G int:0:64 56
innodb_read_io_threads g int:1:64 4
innodb_redo_log_archive_dirs G text
innodb_redo_log_capacity G int:8388608:549755813888 104857600
innodb_redo_log_encrypt G bool OFF
innodb_replication_delay G int:0:4294967295 0
innodb_rollback_on_timeout g bool OFF
innodb_rollback_segments G int:1:128 128
innodb_segment_reserve_factor G real:0.03:40 12.5
innodb_sort_buffer_size g int:65536:67108864 1048576
innodb_spin_wait_delay G int:0:1000 6
innodb_spin_wait_pause_multiplier G int:0:100 50
innodb_stats_include_delete_marked G bool OFF
innodb_stats_method G enum:nulls_equal,nulls_unequal,nulls_ignored nulls_equal
innodb_stats_on_metadata G bool OFF
innodb_stats_persistent_sample_pages G int:1:18446744073709551615 20
innodb_stats_transient_sample_pages G int:1:18446744073709551615 8
innodb_status_output G bool OFF
innodb_status_output_locks G bool OFF
innodb_strict_mode B bool ON
innodb_sync_array_size g int:1:1024 1
innodb_sync_spin_loops G int:0:4294967295 30
innodb_table_locks B bool ON
innodb_temp_data_file_path g text ibtmp1:12M:autoextend
innodb_temp_tablespaces_dir g text ./#innodb_temp/
innodb_thread_concurrency G int:0:1000 0
innodb_thread_sleep_delay G int:0:1000000 10000
innodb_tmpdir B text
innodb_undo_directory g text ./
innodb_undo_log_encrypt G bool OFF
innodb_undo_log_truncate G bool ON
innodb_undo_tablespaces G int:2:127 2
innodb_use_fdatasync G bool OFF
innodb_use_native_aio g bool ON
innodb_validate_tablespace_paths g bool ON
innodb_version g text 8.0.39
innodb_write_io_threads g int:1:64 4
keyring_operations G bool ON
key_cache_block_size G int:512:16384 1024
locked_in_memory g bool OFF
log_bin_basename g text
log_bin_index g text
log_bin_trust_function_creators G bool OFF
log_bin_use_v1_row_events G bool OFF
log_slow_replica_statements G bool OFF
log_slow_slave_statements G bool OFF
log_statements_unsafe_for_binlog G bool ON
master_info_repository G enum:FILE,TABLE TABLE
master_verify_checksum G bool OFF
max_binlog_cache_size G int:4096:18446744073709547520 18446744073709547520
max_binlog_stmt_cache_size G int:4096:18446744073709547520 18446744073709547520
max_relay_log_size G int:0:1073741824 0
optimizer_max_subgraph_pairs B int:1:2147483647 100000
optimizer_switch B switch index_merge=on,index_merge_union=on,index_merge_sort_union=on,index_merge_intersection=on,engine_condition_pushdown=on,index_condition_pushdown=on,mrr=on,mrr_cost_based=on,block_nested_loop=on,batched_key_access=off,materialization=on,semijoin=on,loosescan=on,firstmatch=on,duplicateweedout=on,subquery_materialization_cost_based=on,use_index_extensions=on,condition_fanout_filter=on,derived_merge=on,use_invisible_indexes=off,skip_scan=on,hash_join=on,subquery_to_derived=off,prefer_ordering_index=on,hypergraph_optimizer=off,derived_condition_pushdown=on
performance_schema_accounts_size g int:-1:1048576 -1
performance_schema_digests_size g int:-1:1048576 10000
performance_schema_events_statements_history_long_size g int:-1:1048576 10000
performance_schema_events_statements_history_size g int:-1:1024 10
performance_schema_hosts_size g int:-1:1048576 -1
performance_schema_max_digest_length g int:0:1048576 1024
performance_schema_max_sql_text_length g int:0:1048576 1024
performance_schema_session_connect_attrs_size g int:-1:1048576 512
performance_schema_setup_actors_size g int:-1:1048576 -1
performance_schema_setup_objects_size g int:-1:1048576 -1
performance_schema_show_processlist G bool OFF
performance_schema_users_size g int:-1:1048576 -1
profiling B bool OFF
profiling_history_size B int:0:100 15
pseudo_replica_mode S bool OFF
query_alloc_block_size B int:1024:4294966272 8192
query_prealloc_size B int:8192:18446744073709550592 8192
rand_seed2 S int:0:4294967295 0
relay_log g text
relay_log_basename g text
relay_log_index g text
relay_log_info_file g text relay-log.info
relay_log_info_repository G enum:FILE,TABLE TABLE
relay_log_purge G bool ON
relay_log_recovery g bool OFF
relay_log_space_limit g int:0:18446744073709551615 0
replica_allow_batching G bool ON
replica_checkpoint_group G int:32:524280 512
replica_checkpoint_period G int:1:4294967295 300
replica_compressed_protocol G bool OFF
replica_exec_mode G enum:STRICT,IDEMPOTENT STRICT
replica_max_allowed_packet G int:1024:1073741824 1073741824
replica_net_timeout G int:1:31536000 60
replica_parallel_type G enum:DATABASE,LOGICAL_CLOCK LOGICAL_CLOCK
replica_parallel_workers G int:0:1024 4
replica_pending_jobs_size_max G int:1024:18446744073709551615 134217728
replica_preserve_commit_order G bool ON
replica_skip_errors g text OFF
replica_sql_verify_checksum G bool ON
replica_transaction_retries G int:0:18446744073709551615 10
replica_type_conversions G text
replication_optimize_for_static_plugin_config G bool OFF
replication_sender_observe_commit_only G bool OFF
report_host g text
report_port g int:0:65535 0
report_user g text
rpl_read_size G int:8192:4294959104 8192
rpl_stop_replica_timeout G int:2:31536000 31536000
rpl_stop_slave_timeout G int:2:31536000 31536000
server_id_bits g int:7:32 32
skip_replica_start g bool OFF
skip_slave_start g bool OFF
slave_allow_batching G bool ON
slave_checkpoint_group G int:32:524280 512
slave_checkpoint_period G int:1:4294967295 300
slave_compressed_protocol G bool OFF
slave_exec_mode G enum:STRICT,IDEMPOTENT STRICT
slave_max_allowed_packet G int:1024:1073741824 1073741824
slave_net_timeout G int:1:31536000 60
slave_parallel_type G enum:DATABASE,LOGICAL_CLOCK LOGICAL_CLOCK
slave_parallel_workers G int:0:1024 4
slave_pending_jobs_size_max G int:1024:18446744073709551615 134217728
slave_preserve_commit_order G bool ON
slave_rows_search_algorithms G text INDEX_SCAN,HASH_SCAN
slave_skip_errors g text OFF
slave_sql_verify_checksum G bool ON
slave_transaction_retries G int:0:18446744073709551615 10
slave_type_conversions G text
source_verify_checksum G bool OFF
sql_replica_skip_counter G int:0:4294967295 0
sql_slave_skip_counter G int:0:4294967295 0
ssl_session_cache_mode G bool ON
ssl_session_cache_timeout G int:0:84600 300
sync_binlog G int:0:4294967295 1
sync_master_info G int:0:4294967295 10000
sync_relay_log G int:0:4294967295 10000
sync_relay_log_info G int:0:4294967295 10000
sync_source_info G int:0:4294967295 10000
terminology_use_previous B enum:NONE,BEFORE_8_0_26 NONE
thread_stack g int:131072:18446744073709550592 1048576
tls_certificates_enforced_validation g bool OFF
transaction_alloc_block_size B int:1024:131072 8192
transaction_allow_batching S bool OFF
transaction_write_set_extraction B enum:OFF,MURMUR32,XXHASH64 XXHASH64
xa_detach_on_prepare B bool ON
`
