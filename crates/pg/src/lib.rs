//! Everything that touches PostgreSQL: initdb, start, stop, settings, pg_hba, TLS files, catalog reads, log lines.
