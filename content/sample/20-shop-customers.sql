-- The shop: customers, addresses and products.

create schema shop;
comment on schema shop is 'Saltmarsh Supplies: an online shop for outdoor things.';

create table shop.customers (
  id integer not null,
  given_name text not null,
  family_name text not null,
  email text not null,
  phone text,
  born_on date,
  country char(2) not null,
  tax_ref text,
  password_hash text not null,
  marketing boolean not null,
  last_ip inet,
  created_at timestamptz not null
);

comment on column shop.customers.tax_ref is
  'Finnish customers only: personal identity code from the serials kept for tests.';

insert into shop.customers
select n, given, family, seed.email(given, family, n), phone, born, country,
       case when country = 'FI' then seed.hetu(born, n) end,
       -- A legacy of the first shop software: unsalted and much too fast.
       md5('not a real password ' || n), seed.h(n, 401, 3) = 0,
       case when seed.h(n, 402, 10) < 8 then seed.ip(n, 403) end, seed.moment(n, 405, 2200)
from (
  -- Some customers are patients of the clinic as well, by name, birthday and e-mail address.
  select n, coalesce(p.given_name, seed.given(n, 407)) as given,
         coalesce(p.family_name, seed.family(n, 408)) as family, country,
         case when seed.h(n, 409, 10) < 8 then seed.phone(country, n + 20000) end as phone,
         coalesce(p.born_on, date '1944-01-01' + seed.h(n, 410, 22800)) as born
  from generate_series(1, 8000) as n
  left join clinic.patients as p
    on p.id = n and n % 40 = 0 and p.born_on < date '2006-01-01'
  cross join lateral (select seed.pick(n, 411, array['GB', 'GB', 'GB', 'DE', 'DE', 'US', 'US',
                                                     'FI'])) as c(country)
) as s;

alter table shop.customers
  add primary key (id),
  add unique (email),
  add check (position('@' in email) > 1);
create index on shop.customers (family_name text_pattern_ops);

create table shop.addresses (
  id integer not null,
  customer_id integer not null,
  kind text not null,
  recipient text not null,
  line1 text not null,
  line2 text,
  postcode text not null,
  town text not null,
  country char(2) not null
);

insert into shop.addresses
select row_number() over (order by c.id, k), c.id, case k when 1 then 'delivery' else 'billing' end,
       c.given_name || ' ' || c.family_name,
       case c.country
         when 'DE' then seed.pick(x, 421, array['Leuchtturmweg', 'Am Salzgarten', 'Alte Fähre',
                                                'Heidelerchenstr.', 'Marderallee']) || ' '
                        || 1 + seed.h(x, 422, 120)
         when 'FI' then seed.pick(x, 421, array['Lokkipolku', 'Suolarinne', 'Majakkatie'])
                        || ' ' || 1 + seed.h(x, 422, 90)
         else 1 + seed.h(x, 422, 990) || ' '
              || seed.pick(x, 421, array['Lantern Avenue', 'Otter Way', 'Old Ferry Road',
                                         'Tansy Street', 'Larkspur Drive', 'Pinecone Court'])
       end,
       case when seed.h(x, 423, 5) = 0 then 'Flat ' || 1 + seed.h(x, 424, 60) end,
       -- Codes that their post offices have not given out.
       case c.country
         when 'DE' then '00' || lpad(seed.h(x, 425, 1000)::text, 3, '0')
         when 'US' then '00' || lpad(seed.h(x, 425, 500)::text, 3, '0')
         when 'FI' then '000' || lpad(seed.h(x, 425, 90)::text, 2, '0')
         else 'HV' || 1 + seed.h(x, 425, 19) || ' ' || seed.h(x, 426, 10) || 'XB'
       end,
       seed.pick(x, 427, case c.country
         when 'DE' then array['Salzhafen', 'Niederleuchten', 'Kranichrode']
         when 'US' then array['Tansy Falls, OR', 'Port Larkspur, ME', 'Cold Otter, MN']
         when 'FI' then array['Suolalahti-Itä', 'Lokkisaari']
         else array['Havenport', 'Little Marrow', 'Coldbrook Sands'] end),
       c.country
from shop.customers as c
cross join lateral generate_series(1, 1 + seed.h(c.id, 428, 4) / 3) as k
cross join lateral (select c.id * 2 + k) as d(x);

alter table shop.addresses
  add primary key (id),
  add foreign key (customer_id) references shop.customers,
  add check (kind in ('delivery', 'billing'));
create index on shop.addresses (customer_id);

create table shop.products (
  id integer primary key,
  sku text not null unique,
  name text not null,
  category text not null,
  price numeric(8, 2) not null check (price > 0),
  weight_g integer not null,
  tags text[] not null,
  attributes jsonb not null,
  listed_on date not null
);

insert into shop.products
select n, 'SS-' || lpad((n * 7)::text, 5, '0'),
       seed.pick(n, 431, array['Harbour', 'Tern', 'Otter', 'Lantern', 'Saltmarsh', 'Gale', 'Pike'])
         || ' ' || thing || ' ' || chr((65 + n % 26)::integer) || n, category,
       4 + seed.h(n, 432, 22000) / 100.0, 40 + seed.h(n, 433, 9000),
       array[category, seed.pick(n, 434, array['new', 'sale', 'classic', 'repaired'])],
       jsonb_build_object('colour', seed.pick(n, 435, array['navy', 'olive', 'rust', 'sand']),
                          'size', seed.pick(n, 436, array['S', 'M', 'L', 'one size']),
                          'ean', (select left(digits, 12) || (10 - total % 10) % 10
                                  from (select '200' || lpad(n::text, 9, '0') as digits) as e
                                  cross join lateral (
                                    select sum(substr(digits, i, 1)::integer
                                               * case when i % 2 = 0 then 3 else 1 end) as total
                                    from generate_series(1, 12) as i) as t)),
       date '2021-03-01' + seed.h(n, 437, 1700)
from generate_series(1, 900) as n
cross join lateral (select seed.pick(n, 438, array['tent', 'jacket', 'boot', 'stove', 'rope',
                                                   'lamp'])) as t(thing)
cross join lateral (select case when thing in ('jacket', 'boot') then 'clothing'
                                when thing in ('stove', 'lamp') then 'camp'
                                else 'gear' end) as c(category);
