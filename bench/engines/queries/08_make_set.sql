SELECT n, count(*) AS accounts
FROM (SELECT Account, cardinality(array_agg(DISTINCT EventID)) AS n FROM Events GROUP BY Account)
GROUP BY n
ORDER BY n
