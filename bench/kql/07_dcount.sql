SELECT Site, approx_count_distinct(SrcIp) AS d
FROM Events
GROUP BY Site
ORDER BY Site
