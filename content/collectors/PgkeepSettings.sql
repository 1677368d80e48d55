-- One row a setting. What may hold a password is hidden, by its name or by what stands in it.
SELECT
    s.name AS "Name",
    CASE
        WHEN s.vartype = 'string' AND s.setting <> '' AND (
            s.name ~* '(conninfo|passphrase|secret|token|credential)'
            OR s.setting ~* '(password|passwd|pwd|secret|token|credential|(access|api|account)_?key)\s*[=:]'
            OR s.setting ~* '://[^/@\s]*:[^/@\s]*@'
        ) THEN '(hidden)'
        ELSE s.setting
    END AS "Setting",
    s.unit AS "Unit",
    s.source AS "Source",
    s.sourcefile AS "SourceFile",
    s.pending_restart AS "PendingRestart",
    s.context AS "Context"
FROM pg_catalog.pg_settings AS s
ORDER BY s.name
