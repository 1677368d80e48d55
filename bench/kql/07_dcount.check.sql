SELECT Site, count(DISTINCT SrcIp) AS d
FROM Events
GROUP BY Site
ORDER BY Site
