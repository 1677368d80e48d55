SELECT SrcIp, count(*) AS n, sum(Bytes) AS total
FROM Events
GROUP BY SrcIp
ORDER BY n DESC, SrcIp
LIMIT 10
