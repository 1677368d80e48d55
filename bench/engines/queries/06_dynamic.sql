-- DataFusion reads no JSON by itself: the two fields are cut out of the text.
SELECT Os, count(*) AS n, count(*) FILTER (WHERE Score > 90) AS risky
FROM (SELECT split_part(split_part(Properties, '"os":"', 2), '"', 1) AS Os,
             CAST(split_part(split_part(Properties, '"score":', 2), ',', 1) AS BIGINT) AS Score
      FROM Events)
GROUP BY Os
ORDER BY n DESC, Os
