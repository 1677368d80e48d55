SELECT date_bin(INTERVAL '5 minutes', TimeGenerated) AS t, count(*) AS n,
       max(DurationMs) AS slowest, approx_distinct(Computer) AS computers
FROM Events
WHERE TimeGenerated BETWEEN arrow_cast('2026-01-08T06:00:00Z', 'Timestamp(Microsecond, Some("UTC"))')
                        AND arrow_cast('2026-01-08T12:00:00Z', 'Timestamp(Microsecond, Some("UTC"))')
  AND Level = 'Error'
GROUP BY t
ORDER BY t
