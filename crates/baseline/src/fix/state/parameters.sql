-- From PostgreSQL 15 on.
union all
select 'parameter', p.parname, 'pg_parameter_acl', p.oid, 'paracl', p.paracl::text[], ''
  from pg_parameter_acl p
