SELECT n, count(*) AS accounts
FROM (SELECT Account, len(list(DISTINCT EventID)) AS n FROM Events GROUP BY Account)
GROUP BY n
ORDER BY n
