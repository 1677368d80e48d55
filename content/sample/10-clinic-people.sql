-- The clinic: departments, rooms, staff and patients.

create schema clinic;
comment on schema clinic is 'Havenport Clinic: patients and their care.';

create table clinic.departments (
  id smallint primary key,
  name text not null unique,
  phone text not null
);

insert into clinic.departments
select n, name, seed.phone('GB', n)
from unnest(array['General practice', 'Cardiology', 'Dermatology', 'Endocrinology',
                  'Emergency', 'Gynaecology', 'Neurology', 'Oncology', 'Orthopaedics',
                  'Paediatrics', 'Psychiatry', 'Radiology'])
     with ordinality as d(name, n);

create table clinic.staff (
  id integer primary key,
  department_id smallint not null references clinic.departments,
  given_name text not null,
  family_name text not null,
  role text not null check (role in ('doctor', 'nurse', 'therapist', 'clerk')),
  work_email text not null unique,
  pager text,
  licence_no text unique,
  hired_on date not null,
  left_on date check (left_on > hired_on)
);

insert into clinic.staff
select n, 1 + seed.h(n, 101, 12), given, family, role, seed.email(given, family, n),
       case when role in ('doctor', 'nurse') then 'P' || 1000 + n end,
       case when role <> 'clerk' then 'HC-' || lpad((seed.h(n, 102, 900) * 400 + n)::text, 6, '0')
       end,
       hired, case when seed.h(n, 103, 10) = 0 then hired + 200 + seed.h(n, 104, 900) end
from (
  select n, seed.given(n, 105) as given, seed.family(n, 106) as family,
         (array['doctor', 'doctor', 'doctor', 'nurse', 'nurse', 'nurse', 'nurse', 'therapist',
                'clerk', 'clerk'])[1 + (n % 10)::integer] as role,
         date '2012-01-02' + seed.h(n, 107, 4000) as hired
  from generate_series(1, 320) as n
) as s;

create table clinic.patients (
  id integer not null,
  nhs_number text not null,
  given_name text not null,
  family_name text not null,
  born_on date not null,
  sex char(1) not null,
  email text,
  phone text,
  street text not null,
  town text not null,
  postcode text not null,
  blood_group text,
  allergies text[],
  insurer text,
  policy_no text,
  emergency_contact jsonb,
  preferences jsonb not null,
  registered_at timestamptz not null
);

comment on table clinic.patients is 'One row for each registered patient. Health data: restricted.';
comment on column clinic.patients.nhs_number is
  'Ten digits with the mod 11 check digit, all from the 999 range that is kept for tests.';

insert into clinic.patients
with numbers as (
  -- A weighted sum mod 11; a remainder that asks for the digit 10 is never issued.
  select row_number() over (order by seed.h(k, 111, 1000000), k) as n,
         '999' || lpad(k::text, 6, '0') || (11 - total % 11) % 11 as nhs_number
  from (
    select k, 243 + k / 100000 * 7 + k / 10000 % 10 * 6 + k / 1000 % 10 * 5
              + k / 100 % 10 * 4 + k / 10 % 10 * 3 + k % 10 * 2 as total
    from generate_series(120000, 132000) as k
  ) as c
  where total % 11 <> 1
  limit 10000
)
select n, nhs_number, given, family, born,
       case when sexes < 49 then 'F' when sexes < 98 then 'M' else 'X' end,
       case when seed.h(n, 112, 100) < 78 then seed.email(given, family, n) end,
       case when seed.h(n, 113, 100) < 92 then seed.phone('GB', n) end,
       1 + seed.h(n, 114, 180) || ' '
         || seed.pick(n, 115, array['Harbour', 'Orchard', 'Mill', 'Chapel', 'Station', 'Lantern',
                                    'Quarry', 'Meadow', 'Saltmarsh', 'Windmill', 'Abbey'])
         || seed.pick(n, 116, array[' Road', ' Lane', ' Street', ' Close', ' Row']),
       seed.pick(n, 117, array['Havenport', 'Havenport', 'Havenport', 'Little Marrow',
                               'Upper Tansy', 'Coldbrook Sands', 'Eastering']),
       'HV' || 1 + seed.h(n, 118, 19) || ' ' || seed.h(n, 119, 10)
         || chr(65 + seed.h(n, 120, 8)) || chr(76 + seed.h(n, 121, 12)),
       case when seed.h(n, 122, 10) < 6
            then seed.pick(n, 123, array['O+', 'O+', 'O-', 'A+', 'A+', 'A-', 'B+', 'B-', 'AB+'])
       end,
       case when seed.h(n, 124, 10) < 2
            then array[seed.pick(n, 125, array['penicillin', 'peanut', 'latex', 'ibuprofen',
                                               'bee venom', 'egg', 'iodine'])] end,
       insurer, case when insurer is not null then 'PX' || 40000000 + n * 37 end,
       case when seed.h(n, 126, 10) < 7 then jsonb_build_object(
         'name', seed.given(n, 127) || ' ' || family, 'phone', seed.phone('GB', n + 50000),
         'relation', seed.pick(n, 128, array['spouse', 'parent', 'child', 'friend'])) end,
       jsonb_build_object('language', seed.pick(n, 129, array['en', 'en', 'en', 'cy', 'pl', 'ur']),
                          'reminders', seed.pick(n, 130, array['sms', 'email', 'none']),
                          'research_consent', seed.h(n, 131, 3) = 0),
       seed.moment(n, 132, 3000)
from (
  select n, nhs_number, seed.given(n, 133) as given, seed.family(n, 134) as family,
         date '1934-01-01' + seed.h(n, 135, 33000) as born, seed.h(n, 136, 100) as sexes,
         case when seed.h(n, 137, 10) < 3
              then seed.pick(n, 138, array['Anchor Health', 'Meridian Mutual', 'Tidewater Care'])
         end as insurer
  from numbers
) as p;

alter table clinic.patients
  add primary key (id),
  add unique (nhs_number),
  add check (sex in ('F', 'M', 'X')),
  add check (nhs_number ~ '^[0-9]{10}$');
create index on clinic.patients (family_name, given_name);
create index on clinic.patients (lower(email));
