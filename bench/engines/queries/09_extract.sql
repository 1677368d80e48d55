SELECT Port, count(*) AS n
FROM (SELECT regexp_match(Message, 'port=(\d+)')[1] AS Port FROM Events)
WHERE Port <> ''
GROUP BY Port
ORDER BY n DESC, Port
LIMIT 10
