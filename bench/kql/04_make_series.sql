WITH bins AS (
  SELECT Site, date_diff('hour', TIMESTAMPTZ '2026-01-01 00:00:00+00', TimeGenerated) AS bin,
         count(*) AS n
  FROM Events
  WHERE TimeGenerated >= TIMESTAMPTZ '2026-01-01 00:00:00+00'
    AND TimeGenerated < TIMESTAMPTZ '2026-01-15 00:00:00+00'
  GROUP BY ALL
), axis AS (SELECT unnest(range(0, 336)) AS bin),
sites AS (SELECT DISTINCT Site FROM bins)
SELECT s.Site, list(coalesce(b.n, 0) ORDER BY a.bin) AS n
FROM sites s CROSS JOIN axis a LEFT JOIN bins b ON b.Site = s.Site AND b.bin = a.bin
GROUP BY s.Site
ORDER BY s.Site
