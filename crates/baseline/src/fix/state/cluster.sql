-- What of the whole cluster a fix may touch: kind, name, catalog, oid, the array whose order is
-- kept (column, elements), and the rest as text. No secret: passwords and values are hashed.
select 'role', a.rolname::text, null, null::oid, null, null::text[],
       ((to_jsonb(a) - 'oid' - 'rolname' - 'rolpassword')
        || jsonb_build_object('password', md5(a.rolpassword)))::text
  from pg_authid a
union all
select 'membership', format('%I in %I by %I', m.member::regrole, m.roleid::regrole,
                            m.grantor::regrole), null, null, null, null,
       (to_jsonb(m) - 'oid' - 'roleid' - 'member' - 'grantor')::text
  from pg_auth_members m
union all
select 'settings of', concat_ws(' in database ', 'role ' || r.rolname, quote_ident(d.datname)),
       'pg_db_role_setting', null, 'setconfig', s.setconfig, format('%s %s', s.setdatabase,
       s.setrole)
  from pg_db_role_setting s
  left join pg_database d on d.oid = s.setdatabase
  left join pg_roles r on r.oid = s.setrole
union all
select 'database', d.datname::text, 'pg_database', d.oid, 'datacl', d.datacl::text[],
       jsonb_build_object('owner', d.datdba::regrole, 'conn', d.datallowconn, 'template',
                          d.datistemplate, 'limit', d.datconnlimit)::text
  from pg_database d
union all
select 'tablespace', t.spcname::text, 'pg_tablespace', t.oid, 'spcacl', t.spcacl::text[],
       t.spcowner::regrole::text
  from pg_tablespace t
