-- Where imports land and stay. Names say nothing here, values say everything.

create schema staging;
comment on schema staging is 'Nightly imports; to be emptied after each run.';

-- An export of the old customer system without its heading.
create table staging.import_2025_11 (
  col1 text, col2 text, col3 text, col4 text, col5 text, col6 text, col7 text, col8 text,
  col9 text, col10 text, col11 text, col12 text
);

insert into staging.import_2025_11
select n::text, upper(c.family_name), c.given_name, to_char(c.born_on, 'DD.MM.YYYY'), c.email,
       replace(replace(c.phone, ' ', ''), '-', ''),
       case when seed.h(n, 801, 10) < 4 then seed.card(n) end,
       case when seed.h(n, 802, 10) < 5 then seed.iban('DE', n) end,
       host(c.last_ip), c.tax_ref, seed.pick(n, 803, array['Y', 'N', '']),
       -- The numbers that the American administration keeps for advertisements.
       case when c.country = 'US' then '987-65-432' || seed.h(n, 804, 10) end
from shop.customers as c
cross join lateral (select c.id) as d(n)
where c.id <= 3000;

-- Whole CSV lines in one column, as a partner sends them.
create table staging.partner_feed (
  line_no integer not null,
  payload text not null
);

insert into staging.partner_feed
select 0, 'ref;name;iban;amount;remark'
union all
select n, 'R' || 5000 + n || ';"' || seed.family(n, 811) || ', ' || seed.given(n, 812) || '";'
          || seed.iban(case when n % 2 = 0 then 'DE' else 'GB' end, n) || ';'
          || round(seed.h(n, 813, 90000) / 100.0, 2) || ';'
          || case when seed.h(n, 814, 20) = 0 then 'card ' || seed.card(n) || ' declined'
                  else '' end
from generate_series(1, 2000) as n;

-- Semi-structured lines from the web server.
create unlogged table staging.weblog (
  raw text not null
);

insert into staging.weblog
select host(seed.ip(n, 821)) || ' - ' || case when seed.h(n, 823, 9) = 0
         then seed.email(seed.given(n, 824), seed.family(n, 825), n) else '-' end
       || ' [' || to_char(seed.moment(n, 826, 30) at time zone 'UTC', 'DD/Mon/YYYY:HH24:MI:SS')
       || ' +0000] "GET ' || seed.pick(n, 828, array['/', '/cart', '/login', '/p/', '/search?q='])
       || case when seed.h(n, 829, 200) = 0
               then '?token=' || md5('session ' || n) else '' end
       || ' HTTP/1.1" ' || (array[200, 200, 200, 304, 404, 500])[1 + seed.h(n, 830, 6)]
       || ' ' || 200 + seed.h(n, 831, 40000)
from generate_series(1, 12000) as n;

-- Looks personal and is not: identifiers that resemble cards, codes and numbers of people.
create table staging.sensor_readings (
  device text not null,
  serial text not null,
  reading bigint not null,
  batch text not null,
  at timestamptz not null
);

insert into staging.sensor_readings
select '00-00-5E-00-53-' || lpad(upper(to_hex(seed.h(n, 841, 256))), 2, '0'),
       '4' || lpad(seed.h(n, 842, 1000000000)::text, 12, '0'),
       100000000 + seed.h(n, 843, 899999999), 'GB' || lpad(seed.h(n, 844, 100)::text, 2, '0')
         || 'LOT' || lpad(n::text, 9, '0'), seed.moment(n, 845, 90)
from generate_series(1, 6000) as n;

create table staging.settings (
  name text primary key,
  value text
);

insert into staging.settings values
  ('smtp.host', 'mail.example.com'),
  ('smtp.user', 'mailer@example.com'),
  ('smtp.password', 'example-password-not-in-use'),
  ('gateway.api_key', 'example-key-not-in-use'),
  ('partner.url', 'https://feeds.example.org/v2?user=havenport'),
  ('last_run', '2025-11-30T03:10:00Z');
