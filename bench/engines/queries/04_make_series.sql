WITH bins AS (
  SELECT Site, (CAST(TimeGenerated AS BIGINT) - 1767225600000000) / 3600000000 AS bin,
         count(*) AS n
  FROM Events
  WHERE TimeGenerated >= arrow_cast('2026-01-01T00:00:00Z', 'Timestamp(Microsecond, Some("UTC"))')
    AND TimeGenerated < arrow_cast('2026-01-15T00:00:00Z', 'Timestamp(Microsecond, Some("UTC"))')
  GROUP BY 1, 2
), axis AS (SELECT unnest(range(0, 336)) AS bin),
sites AS (SELECT DISTINCT Site FROM bins)
SELECT s.Site, array_agg(coalesce(b.n, 0) ORDER BY a.bin) AS n
FROM sites s CROSS JOIN axis a LEFT JOIN bins b ON b.Site = s.Site AND b.bin = a.bin
GROUP BY s.Site
ORDER BY s.Site
