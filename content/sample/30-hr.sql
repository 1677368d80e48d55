-- Personnel of both businesses: small and very sensitive, with row security on the salaries.

create schema hr;
comment on schema hr is 'Personnel files of the clinic and the shop.';

create table hr.employees (
  id integer primary key,
  staff_id integer unique references clinic.staff,
  full_name text not null,
  born_on date not null,
  nationality char(2) not null,
  personal_code text,
  private_email text not null,
  private_phone text not null,
  iban text not null,
  religion text,
  union_member boolean not null,
  disability_grade smallint,
  manager_id integer references hr.employees
);

comment on column hr.employees.religion is 'Asked for church tax; special category (GDPR art. 9).';

insert into hr.employees
select n, case when n <= 320 then n end, name, born, country,
       case when country = 'FI' then seed.hetu(born, n) end,
       seed.email(seed.given(n, 605), seed.family(n, 606), n + 70000),
       seed.phone(country, n + 70000),
       seed.iban(case when country = 'DE' then 'DE' else 'GB' end, n + 70000),
       case when country = 'DE'
            then seed.pick(n, 607, array['rk', 'ev', 'none', 'none', 'isl', 'jd']) end,
       seed.h(n, 608, 4) = 0,
       case when seed.h(n, 609, 25) = 0 then 30 + 10 * seed.h(n, 610, 7) end,
       case when n > 1 then 1 + (n - 2) / 6 end
from (
  select n, coalesce(s.given_name, seed.given(n, 601)) || ' '
            || coalesce(s.family_name, seed.family(n, 602)) as name,
         date '1960-01-01' + seed.h(n, 603, 16000) as born,
         seed.pick(n, 604, array['GB', 'GB', 'GB', 'DE', 'US', 'FI']) as country
  from generate_series(1, 420) as n
  left join clinic.staff as s on s.id = n
) as e
order by n;

create table hr.salaries (
  employee_id integer not null references hr.employees,
  valid_from date not null,
  yearly numeric(10, 2) not null check (yearly > 0),
  bonus numeric(10, 2),
  primary key (employee_id, valid_from)
);

insert into hr.salaries
select e.id, make_date(2021 + k, 4, 1),
       round((21000 + seed.h(e.id, 611, 60000)) * (1 + 0.03 * k), 2),
       case when seed.h(e.id * 8 + k, 612, 3) = 0 then 200 + seed.h(e.id * 8 + k, 613, 5000) end
from hr.employees as e
cross join generate_series(0, 4) as k;

create table hr.absences (
  id integer primary key,
  employee_id integer not null references hr.employees,
  kind text not null check (kind in ('holiday', 'sick', 'parental', 'training')),
  first_day date not null,
  last_day date not null,
  certificate text,
  check (last_day >= first_day)
);

insert into hr.absences
select n, 1 + seed.h(n, 621, 420), kind, day, day + seed.h(n, 622, 12),
       case when kind = 'sick' then 'eAU ' || upper(left(md5('sick ' || n), 12)) end
from (
  select n, seed.pick(n, 623, array['holiday', 'holiday', 'sick', 'parental', 'training']) as kind,
         date '2024-01-01' + seed.h(n, 624, 900) as day
  from generate_series(1, 3000) as n
) as a;

create index on hr.absences (employee_id);

alter table hr.salaries enable row level security;
create policy payroll_only on hr.salaries for select to payroll using (true);
