SELECT m[1] AS "User", count(*) AS n, max(CAST(m[3] AS BIGINT)) AS highest
FROM (SELECT regexp_match(Message, 'user=(.*?) src=(.*?) port=([0-9]+) proto=') AS m FROM Events)
WHERE m[1] <> ''
GROUP BY m[1]
ORDER BY n DESC, "User"
LIMIT 20
