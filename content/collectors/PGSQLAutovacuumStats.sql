-- One row a schema of this database: what became of its rows, and who vacuumed and analyzed.
SELECT
    current_database()::text AS "DatabaseName",
    t.schemaname::text AS "SchemaName",
    count(*) AS "TablesCount",
    coalesce(sum(t.n_live_tup), 0)::bigint AS "LiveRowsCount",
    coalesce(sum(t.n_dead_tup), 0)::bigint AS "DeadRowsCount",
    coalesce(sum(t.n_mod_since_analyze), 0)::bigint AS "ModificationsSinceAnalyzeCount",
    coalesce(sum(t.n_tup_ins), 0)::bigint AS "RowsInsertedCount",
    coalesce(sum(t.n_tup_upd), 0)::bigint AS "RowsUpdatedCount",
    coalesce(sum(t.n_tup_hot_upd), 0)::bigint AS "RowsHotUpdatedCount",
    coalesce(sum(t.n_tup_del), 0)::bigint AS "RowsDeletedCount",
    coalesce(sum(t.seq_scan), 0)::bigint AS "SeqentialScansCount",
    coalesce(sum(t.seq_tup_read), 0)::bigint AS "RowsFromSeqentialScansCount",
    coalesce(sum(t.idx_scan), 0)::bigint AS "IndexScansCount",
    coalesce(sum(t.idx_tup_fetch), 0)::bigint AS "RowsFromIndexScansCount",
    coalesce(sum(t.vacuum_count), 0)::bigint AS "VacuumCount",
    coalesce(sum(t.autovacuum_count), 0)::bigint AS "AutovacuumCount",
    coalesce(sum(t.analyze_count), 0)::bigint AS "AnalyzeCount",
    coalesce(sum(t.autoanalyze_count), 0)::bigint AS "AutoanalyzeCount",
    count(t.last_vacuum) AS "TablesVacuumedCount",
    count(t.last_autovacuum) AS "TablesAutovacuumedCount",
    count(t.last_analyze) AS "TablesAnalyzedCount",
    count(t.last_autoanalyze) AS "TablesAutoanalyzedCount"
FROM pg_catalog.pg_stat_user_tables AS t
GROUP BY t.schemaname
ORDER BY t.schemaname
