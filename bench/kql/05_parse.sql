SELECT m.u AS "User", count(*) AS n, max(CAST(m.port AS BIGINT)) AS highest
FROM (SELECT regexp_extract(Message, 'user=(.*?) src=(.*?) port=([0-9]+) proto=',
                            ['u', 'ip', 'port']) AS m
      FROM Events)
WHERE m.u <> ''
GROUP BY m.u
ORDER BY n DESC, m.u
LIMIT 20
