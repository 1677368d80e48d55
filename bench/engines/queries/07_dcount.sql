SELECT Site, approx_distinct(SrcIp) AS d
FROM Events
GROUP BY Site
ORDER BY Site
