SELECT time_bucket(INTERVAL '5 minutes', TimeGenerated) AS t, count(*) AS n,
       max(DurationMs) AS slowest, count(DISTINCT Computer) AS computers
FROM Events
WHERE TimeGenerated BETWEEN TIMESTAMPTZ '2026-01-08 06:00:00+00'
                        AND TIMESTAMPTZ '2026-01-08 12:00:00+00'
  AND Level = 'Error'
GROUP BY t
ORDER BY t
