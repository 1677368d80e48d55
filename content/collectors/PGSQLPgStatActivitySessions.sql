-- One row a backend: who is connected, what state it is in and what it waits for.
SELECT
    now() AS "CollectionTime",
    a.pid AS "ProcessId",
    a.backend_type AS "BackendType",
    a.backend_start AS "BackendStartTime",
    CASE WHEN a.usesysid::bigint < 2147483648 THEN a.usesysid::bigint::int END AS "UserId",
    CASE WHEN a.datid::bigint < 2147483648 THEN a.datid::bigint::int END AS "DatabaseId",
    a.datname::text AS "DatabaseName",
    a.application_name AS "ApplicationName",
    host(a.client_addr) AS "ClientIpAddress",
    a.state AS "State",
    a.state_change AS "StateChangeTime",
    a.xact_start AS "TransactionStartTime",
    a.query_start AS "QueryStartTime",
    a.backend_xid::text::bigint AS "TransactionId",
    a.backend_xmin::text::bigint AS "OldestTransactionId",
    a.wait_event_type AS "WaitEventType",
    a.wait_event AS "WaitEvent"
FROM pg_catalog.pg_stat_activity AS a
ORDER BY a.pid
