-- One row a database: how old its oldest transaction is, and how many are left.
--
-- Half of the 32 bits are ahead of any transaction (2^31 - 1). The server takes no more writes
-- some before that: 3,000,000 from version 14 on, earlier 1,000,000 transactions or 100 multixacts.
WITH limits AS (
    SELECT
        current_setting('autovacuum_freeze_max_age')::int AS freeze_max_age,
        current_setting('autovacuum_multixact_freeze_max_age')::int AS multi_max_age,
        current_setting('vacuum_freeze_min_age')::int AS freeze_min_age,
        current_setting('vacuum_multixact_freeze_min_age')::int AS multi_min_age,
        2147483647::bigint AS ids,
        CASE WHEN current_setting('server_version_num')::int >= 140000 THEN 3000000
            ELSE 1000000 END AS ids_kept,
        CASE WHEN current_setting('server_version_num')::int >= 140000 THEN 3000000
            ELSE 100 END AS multis_kept
)
SELECT
    d.datname::text AS "DatabaseName",
    CASE WHEN d.datdba::bigint < 2147483648 THEN d.datdba::bigint::int END AS "UserId",
    d.datconnlimit AS "ConnectionsLimit",
    d.datfrozenxid::text::bigint AS "TransactionIdFrozen",
    age(d.datfrozenxid)::bigint AS "TransactionIdFrozenAge",
    l.ids - age(d.datfrozenxid) AS "RemainingTransactionIds",
    l.ids - l.ids_kept - age(d.datfrozenxid) AS "RemainingTransactionIdsTillWraparound",
    l.freeze_max_age::bigint - age(d.datfrozenxid) AS "RemainingTransactionIdsTillEmergencyAV",
    d.datminmxid::text::bigint AS "MinMultixactId",
    mxid_age(d.datminmxid)::bigint AS "MinMultixactIdAge",
    l.ids - mxid_age(d.datminmxid) AS "RemainingMultixactIds",
    l.ids - l.multis_kept - mxid_age(d.datminmxid) AS "RemainingMultixactIdsTillWraparound",
    l.multi_max_age::bigint - mxid_age(d.datminmxid) AS "RemainingMultixactIdsTillEmergencyAV",
    l.freeze_max_age AS "AutovacuumFreezeMaxAge",
    l.multi_max_age AS "AutovacuumMultixactFreezeMaxAge",
    l.freeze_min_age AS "VacuumFreezeMinAge",
    l.multi_min_age AS "VacuumMultixactFreezeMinAge"
FROM pg_catalog.pg_database AS d CROSS JOIN limits AS l
ORDER BY d.datname
