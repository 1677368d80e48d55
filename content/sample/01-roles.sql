-- Roles belong to the whole server and outlive the database, so this file may run again.
-- Nobody can sign in as one of them before an administrator gives it a password.

do $$
declare
  r record;
begin
  for r in
    select *
    from (values
      ('app_clinic', 'login connection limit 40', 'the clinic''s application'),
      ('app_shop', 'login connection limit 40', 'the shop''s application'),
      ('analyst', 'login', 'reports across both businesses'),
      ('intern', 'login', 'summer intern; was to lose access in September'),
      ('etl', 'login', 'nightly imports'),
      ('care_team', 'nologin', 'what everyone who treats patients may read'),
      ('payroll', 'nologin', 'salaries and bank accounts')
    ) as v(name, options, remark)
  loop
    if not exists (select from pg_roles where rolname = r.name) then
      execute format('create role %I %s', r.name, r.options);
      execute format('comment on role %I is %L', r.name, 'Sample data: ' || r.remark);
    elsif coalesce(shobj_description(r.name::regrole, 'pg_authid'), '') not like 'Sample data: %'
    then
      -- The sample grants its roles too much, on purpose; a role of someone's own must not get it.
      raise duplicate_object using
        message = format('role "%s" exists and does not belong to the sample data', r.name),
        hint = 'Load the sample data into a server without a role of this name.';
    end if;
  end loop;
end
$$;

grant care_team to app_clinic;
