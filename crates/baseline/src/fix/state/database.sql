-- The same of one database.
select 'schema', quote_ident(n.nspname), 'pg_namespace', n.oid, 'nspacl', n.nspacl::text[],
       n.nspowner::regrole::text
  from pg_namespace n
 where n.nspname !~ '^pg_(toast|temp)'
union all
select 'relation', format('%I.%I', n.nspname, c.relname), 'pg_class', c.oid, 'relacl',
       c.relacl::text[],
       jsonb_build_object('owner', c.relowner::regrole, 'kind', c.relkind, 'options',
           c.reloptions, 'row security', c.relrowsecurity, 'forced', c.relforcerowsecurity,
           'persistence', c.relpersistence, 'identity', c.relreplident)::text
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
 where (c.oid >= 16384 or c.relacl is not null) and c.relkind not in ('t', 'i', 'I')
union all
select 'column', format('%s.%I', a.attrelid::regclass, a.attname), 'pg_attribute', a.attrelid,
       'attacl', a.attacl::text[], a.attnum::text
  from pg_attribute a
 where a.attacl is not null and not a.attisdropped
union all
select 'function', p.oid::regprocedure::text, 'pg_proc', p.oid, 'proacl', p.proacl::text[],
       jsonb_build_object('owner', p.proowner::regrole, 'definer', p.prosecdef, 'leakproof',
           p.proleakproof, 'settings', p.proconfig, 'kind', p.prokind, 'volatile',
           p.provolatile, 'source', md5(concat(p.prosrc, p.probin)))::text
  from pg_proc p
 where p.oid >= 16384 or p.proacl is not null
union all
select 'type', format('%I.%I', n.nspname, t.typname), 'pg_type', t.oid, 'typacl',
       t.typacl::text[], t.typowner::regrole::text
  from pg_type t
  join pg_namespace n on n.oid = t.typnamespace
 where t.typacl is not null
union all
select 'language', l.lanname::text, 'pg_language', l.oid, 'lanacl', l.lanacl::text[],
       format('%s %s', l.lanowner::regrole, l.lanpltrusted)
  from pg_language l
union all
select 'large object', m.oid::text, 'pg_largeobject_metadata', m.oid, 'lomacl', m.lomacl::text[],
       m.lomowner::regrole::text
  from pg_largeobject_metadata m
union all
select 'foreign-data wrapper', w.fdwname::text, 'pg_foreign_data_wrapper', w.oid, 'fdwacl',
       w.fdwacl::text[], w.fdwowner::regrole::text
  from pg_foreign_data_wrapper w
union all
select 'foreign server', s.srvname::text, 'pg_foreign_server', s.oid, 'srvacl', s.srvacl::text[],
       format('%s %s', s.srvowner::regrole, md5(s.srvoptions::text))
  from pg_foreign_server s
union all
select 'user mapping', format('%s of %s', m.srvname, m.usename), null, null, null, null,
       coalesce(md5(m.umoptions::text), '')
  from pg_user_mappings m
union all
select 'default privileges', format('%s of %s in %s', d.defaclobjtype, d.defaclrole::regrole,
       coalesce(n.nspname, '*')), 'pg_default_acl', d.oid, 'defaclacl', d.defaclacl::text[], ''
  from pg_default_acl d
  left join pg_namespace n on n.oid = d.defaclnamespace
union all
select 'extension', e.extname::text, null, null, null, null,
       format('%s in %s', e.extversion, e.extnamespace::regnamespace)
  from pg_extension e
union all
select 'policy', format('%I on %s', p.polname, p.polrelid::regclass), null, null, null, null,
       jsonb_build_object('command', p.polcmd, 'permissive', p.polpermissive, 'roles',
           p.polroles::regrole[], 'using', pg_get_expr(p.polqual, p.polrelid), 'check',
           pg_get_expr(p.polwithcheck, p.polrelid))::text
  from pg_policy p
union all
select 'trigger', format('%I on %s', t.tgname, t.tgrelid::regclass), null, null, null, null,
       format('%s %s', t.tgenabled, pg_get_triggerdef(t.oid))
  from pg_trigger t
 where not t.tgisinternal
union all
select 'event trigger', quote_ident(t.evtname), null, null, null, null,
       format('%s %s %s %s', t.evtenabled, t.evtevent, t.evtfoid::regproc, t.evttags)
  from pg_event_trigger t
union all
select 'label', format('%s of %s', l.provider, l.objname), null, null, null, null,
       md5(l.label)
  from pg_seclabels l
