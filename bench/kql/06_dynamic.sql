SELECT Properties->>'$.device.os' AS Os, count(*) AS n,
       count(*) FILTER (WHERE CAST(Properties->>'$.risk.score' AS BIGINT) > 90) AS risky
FROM Events
GROUP BY Os
ORDER BY n DESC, Os
