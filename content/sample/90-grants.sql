-- Who owns what and who may do what: as it should be first, then what has crept in.

do $$
declare
  r record;
begin
  for r in
    select n.nspname, c.relname, case n.nspname when 'clinic' then 'app_clinic' else 'app_shop' end
             as owner
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname in ('clinic', 'shop') and c.relkind = 'r'
    order by 1, 2
  loop
    execute format('alter table %I.%I owner to %I', r.nspname, r.relname, r.owner);
  end loop;
end
$$;

grant usage, create on schema clinic to app_clinic;
grant usage, create on schema shop to app_shop;
grant usage on schema clinic to care_team;
grant select on clinic.patients, clinic.appointments, clinic.encounters, clinic.diagnoses,
  clinic.conditions, clinic.prescriptions, clinic.lab_results, clinic.notes to care_team;

grant usage on schema hr to payroll;
grant select on hr.employees, hr.salaries to payroll;

grant usage on schema analytics to analyst;
grant select on analytics.revenue_by_month, analytics.customer_value to analyst;
grant usage on schema shop to analyst;
grant select (id, country, created_at) on shop.customers to analyst;

grant usage, create on schema staging to etl;
grant select, insert, update, delete, truncate on all tables in schema staging to etl;

-- Crept in: a report was urgent, so the analyst may read every table of the database.
-- (PostgreSQL 13 has no role for that.)
do $$
begin
  if exists (select from pg_roles where rolname = 'pg_read_all_data') then
    grant pg_read_all_data to analyst;
  else
    grant usage on schema clinic, shop, hr, staging to analyst;
    grant select on all tables in schema clinic, shop, hr, staging to analyst;
  end if;
end
$$;

-- Crept in: the intern saw too little and got everything, with the right to pass it on.
grant usage on schema clinic, shop, staging, analytics to intern;
grant select on all tables in schema clinic to intern;
grant select on shop.payments to intern with grant option;
alter default privileges in schema clinic grant select on tables to intern;

-- Crept in: imports read files of the server, and everyone may use the staging area.
grant pg_read_server_files to etl;
grant usage on schema staging to public;
grant select, insert, update, delete on all tables in schema staging to public;

-- Crept in: the function with its owner's rights is open to all who can see the schema.
grant usage on schema analytics to public;
grant execute on function analytics.lookup(text, text) to public;
grant select on analytics.patient_overview to public;

-- Crept in: the shop's application reads the clinic, for a recommendation that was never built.
grant usage on schema clinic to app_shop;
grant select on clinic.patients, clinic.prescriptions to app_shop;

-- Crept in: the old default from before PostgreSQL 15.
grant create on schema public to public;
