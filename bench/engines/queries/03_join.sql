SELECT f.Account, failures, successes, last
FROM (SELECT Account, count(*) AS failures FROM Events WHERE EventID = 4625 GROUP BY Account) f
JOIN (SELECT Account, count(*) AS successes, max(TimeGenerated) AS last
      FROM Events WHERE EventID = 4624 GROUP BY Account) p ON f.Account = p.Account
WHERE failures > 10
ORDER BY failures DESC, f.Account
LIMIT 50
