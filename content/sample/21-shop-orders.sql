-- The shop: orders, items, payments, reviews and carts.

create table shop.orders (
  id integer not null,
  customer_id integer not null,
  address_id integer not null,
  status text not null,
  placed_at timestamptz not null,
  shipped_at timestamptz,
  client_ip inet,
  remark text
);

insert into shop.orders
select n, c.customer_id, a.address_id, status, placed,
       case when status in ('shipped', 'returned') then placed + interval '26 hours' end,
       seed.ip(n, 501),
       case seed.h(n, 503, 60)
         when 0 then 'Please leave with ' || seed.given(n, 504) || ' ' || seed.family(n, 505)
                     || ' next door, ' || seed.phone('GB', n)
         when 1 then 'gift, no invoice in the parcel'
         when 2 then 'call before delivery' end
from (
  select n, 1 + seed.h(n, 506, 8000) as customer_id, seed.moment(n, 507, 800) as placed,
         seed.pick(n, 509, array['shipped', 'shipped', 'shipped', 'shipped', 'shipped', 'paid',
                                 'open', 'returned', 'cancelled']) as status
  from generate_series(1, 20000) as n
) as c
join (select customer_id, min(id) as address_id from shop.addresses group by customer_id) as a
  using (customer_id);

alter table shop.orders
  add primary key (id),
  add foreign key (customer_id) references shop.customers,
  add foreign key (address_id) references shop.addresses,
  add check (status in ('open', 'paid', 'shipped', 'returned', 'cancelled'));
create index on shop.orders (customer_id);
create index on shop.orders (placed_at);

create table shop.order_items (
  order_id integer not null,
  line smallint not null,
  product_id integer not null,
  quantity smallint not null,
  unit_price numeric(8, 2) not null
);

insert into shop.order_items
select o.id, k, p.id, 1 + seed.h(x, 511, 3), p.price
from shop.orders as o
cross join lateral generate_series(1, 1 + seed.h(o.id, 512, 4)) as k
cross join lateral (select o.id * 8 + k) as d(x)
join shop.products as p on p.id = 1 + seed.h(d.x, 513, 900);

alter table shop.order_items
  add primary key (order_id, line),
  add foreign key (order_id) references shop.orders on delete cascade,
  add foreign key (product_id) references shop.products,
  add check (quantity between 1 and 99);
create index on shop.order_items (product_id);

create table shop.payments (
  id integer not null,
  order_id integer not null,
  method text not null,
  card_number text,
  card_holder text,
  card_expires date,
  iban text,
  amount numeric(10, 2) not null,
  state text not null,
  gateway jsonb,
  created_at timestamptz not null
);

comment on table shop.payments is
  'Card numbers stand here in clear since the gateway was replaced; ticket open since spring.';

insert into shop.payments
with cards as (
  select id as customer_id, seed.card(id) as number from shop.customers
), totals as (
  select order_id, sum(quantity * unit_price) as amount from shop.order_items group by order_id
)
select row_number() over (order by o.id), o.id, method,
       case when method = 'card' then k.number end,
       case when method = 'card' then upper(c.given_name || ' ' || c.family_name) end,
       case when method = 'card'
            then (date '2026-08-01' + make_interval(months => seed.h(c.id, 521, 50)))::date end,
       case when method = 'transfer'
            then seed.iban(case when c.country = 'DE' then 'DE' else 'GB' end, c.id) end,
       t.amount, case o.status when 'returned' then 'refunded' else 'settled' end,
       case when method = 'card' then jsonb_build_object(
         'auth', upper(left(md5(o.id::text), 6)), 'brand', case left(k.number, 1)
           when '3' then 'amex' when '4' then 'visa' when '6' then 'discover'
           else 'mastercard' end, 'last4', right(k.number, 4)) end,
       o.placed_at + interval '2 minutes'
from shop.orders as o
join shop.customers as c on c.id = o.customer_id
join cards as k on k.customer_id = c.id
join totals as t on t.order_id = o.id
cross join lateral (select seed.pick(o.id, 522, array['card', 'card', 'card', 'transfer',
                                                      'voucher'])) as m(method)
where o.status in ('paid', 'shipped', 'returned');

alter table shop.payments
  add primary key (id),
  add unique (order_id),
  add foreign key (order_id) references shop.orders,
  add check (method in ('card', 'transfer', 'voucher')),
  add check ((method = 'card') = (card_number is not null));
create index on shop.payments (card_number) where card_number is not null;

create table shop.reviews (
  id integer primary key,
  product_id integer not null references shop.products,
  customer_id integer not null references shop.customers,
  stars smallint not null check (stars between 1 and 5),
  title text not null,
  body text,
  created_at timestamptz not null
);

insert into shop.reviews
select n, 1 + seed.h(n, 531, 900), 1 + seed.h(n, 532, 8000), 1 + seed.h(n, 533, 25) % 5,
       seed.pick(n, 534, array['Does what it should', 'Broke in a week', 'Better than expected',
                               'Too small', 'Warm and light', 'Late delivery, good product']),
       seed.pick(n, 535, array['Used it for two rainy weekends. ', 'Bought for my daughter. ',
                               'My third one. ', 'The zip is the weak point. '])
       || seed.pick(n, 536, array['Would buy again.', 'Sent it back.', 'Good value.',
                                  'The colour differs from the picture.'])
       || case when seed.h(n, 537, 100) < 2
               then ' Ask me: ' || seed.email(seed.given(n, 538), seed.family(n, 539), n)
               else '' end,
       seed.moment(n, 540, 800)
from generate_series(1, 6000) as n;

create index on shop.reviews (product_id);

create table shop.carts (
  id text primary key,
  customer_id integer references shop.customers,
  content jsonb not null,
  updated_at timestamptz not null
);

insert into shop.carts
select md5('cart ' || n), case when seed.h(n, 551, 3) > 0 then 1 + seed.h(n, 552, 8000) end,
       jsonb_build_object(
         'items', (select jsonb_agg(jsonb_build_object(
                     'sku', 'SS-' || lpad(((1 + seed.h(n * 4 + i, 553, 900)) * 7)::text, 5, '0'),
                     'qty', 1 + seed.h(n * 4 + i, 554, 3)))
                   from generate_series(1, 1 + seed.h(n, 555, 3)) as i),
         'guest', case when seed.h(n, 551, 3) = 0 then jsonb_build_object(
           'mail', seed.email(seed.given(n, 556), seed.family(n, 557), n),
           'ship_to', seed.family(n, 557) || ', ' || 1 + seed.h(n, 558, 90)
                      || ' Otter Way, Havenport')
         end,
         'agent', seed.pick(n, 559, array['web', 'ios', 'android'])),
       seed.moment(n, 560, 40)
from generate_series(1, 2500) as n;
