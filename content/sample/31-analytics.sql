-- What the analysts built over the years: a partitioned event log, views over both businesses,
-- a materialised view and functions, one of them with more power than its callers.

create schema analytics;
comment on schema analytics is 'Reports. Joins clinic and shop in ways that nobody reviewed.';

create table analytics.events (
  id bigint not null,
  at timestamptz not null,
  actor text,
  kind text not null,
  source inet,
  payload jsonb not null
) partition by range (at);

do $$
declare
  first_day date;
begin
  for k in 0..5 loop
    first_day := (date '2026-01-01' + make_interval(months => k))::date;
    execute format(
      'create table analytics.%I partition of analytics.events
       for values from (%L) to (%L)', 'events_' || to_char(first_day, 'YYYY_MM'),
      first_day || ' 00:00:00+00',
      (first_day + interval '1 month')::date || ' 00:00:00+00');
  end loop;
end
$$;

create table analytics.events_other partition of analytics.events default;

insert into analytics.events
select n, seed.moment(n, 701, 210),
       case when seed.h(n, 703, 5) > 0 then 'customer:' || 1 + seed.h(n, 704, 8000) end,
       kind, seed.ip(n, 705),
       case kind
         when 'search' then jsonb_build_object('q', seed.pick(n, 707, array['tent', 'rain jacket',
                              'stove gas', 'depression help', 'sertraline side effects', 'boots']))
         when 'login' then jsonb_build_object('ok', seed.h(n, 708, 20) > 0,
                              'user', seed.email(seed.given(n, 709), seed.family(n, 710), n))
         when 'checkout' then jsonb_build_object('order', 1 + seed.h(n, 711, 20000),
                                'eur', round(seed.h(n, 712, 30000) / 100.0, 2))
         else jsonb_build_object('path', '/p/SS-' || lpad((7 * seed.h(n, 713, 900))::text, 5, '0'))
       end
from (
  select n, seed.pick(n, 714, array['view', 'view', 'view', 'search', 'login', 'checkout']) as kind
  from generate_series(1, 24000) as n
) as e;

alter table analytics.events add primary key (id, at);
create index on analytics.events using brin (at);

create view analytics.revenue_by_month as
select date_trunc('month', o.placed_at) as month, p.category, count(distinct o.id) as n_orders,
       sum(i.quantity * i.unit_price) as revenue
from shop.orders as o
join shop.order_items as i on i.order_id = o.id
join shop.products as p on p.id = i.product_id
where o.status in ('paid', 'shipped')
group by 1, 2;

create view analytics.patient_overview as
select p.id, p.given_name || ' ' || p.family_name as full_name, p.born_on, p.postcode,
       count(distinct e.id) as n_encounters,
       array_agg(distinct c.title) filter (where c.sensitive) as sensitive_conditions
from clinic.patients as p
left join clinic.encounters as e on e.patient_id = p.id
left join clinic.diagnoses as d on d.encounter_id = e.id
left join clinic.conditions as c on c.code = d.code
group by p.id;

comment on view analytics.patient_overview is 'Runs with its owner''s rights: readers see names.';

create view analytics.shared_people as
select p.id as patient_id, c.id as customer_id, p.email as patient_email
from clinic.patients as p
join shop.customers as c on lower(c.email) = lower(p.email)
                        or (c.family_name = p.family_name and c.given_name = p.given_name
                            and c.born_on = p.born_on);

create materialized view analytics.customer_value as
select c.id as customer_id, c.email, c.country, count(p.id) as n_payments,
       coalesce(sum(p.amount), 0) as spent, max(p.created_at) as last_paid_at
from shop.customers as c
left join shop.orders as o on o.customer_id = c.id
left join shop.payments as p on p.order_id = o.id
group by c.id;

create unique index on analytics.customer_value (customer_id);
create index on analytics.customer_value (spent desc);

create function analytics.age_band(born date, at date) returns text
language sql immutable parallel safe as $$
  select case width_bucket(extract(year from age(at, born)), 0, 100, 10)
    when 0 then 'unborn' when 11 then '100+'
    else (width_bucket(extract(year from age(at, born)), 0, 100, 10) - 1) * 10 || 's' end
$$;

create function analytics.prevalence(condition text)
returns table (band text, n_patients bigint)
language sql stable as $$
  select analytics.age_band(p.born_on, date '2026-06-30'), count(distinct p.id)
  from clinic.diagnoses as d
  join clinic.encounters as e on e.id = d.encounter_id
  join clinic.patients as p on p.id = e.patient_id
  where d.code = condition
  group by 1
$$;

-- Runs as its owner, leaves the search path to the caller and glues text into a statement.
create function analytics.lookup(what text, needle text)
returns table (id integer, label text)
language plpgsql security definer as $$
begin
  return query execute 'select id, ' || what || '::text from clinic.patients where '
    || what || '::text ilike ''%' || needle || '%'' limit 50';
end
$$;

comment on function analytics.lookup(text, text) is 'For the help desk. Review pending.';

create table analytics.audit (
  at timestamptz not null,
  who text not null,
  action text not null,
  patient_id integer
);

-- The same done well: the path is pinned and nothing of the caller becomes part of a statement.
create function analytics.note_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into analytics.audit
  values (current_timestamp, session_user, tg_op, coalesce(new.id, old.id));
  return null;
end
$$;

create trigger patients_audit after update or delete on clinic.patients
for each row execute function analytics.note_change();
