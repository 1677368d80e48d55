SELECT Computer, count(*) AS n
FROM Events
WHERE Message ILIKE '%mimikatz%'
  AND regexp_like(Message, '(^|[^\pL\pN])mimikatz([^\pL\pN]|$)', 'i')
GROUP BY Computer
ORDER BY n DESC, Computer
LIMIT 20
