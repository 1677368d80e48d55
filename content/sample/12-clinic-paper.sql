-- The clinic: invoices, notes in free text and documents. Personal data hides in prose here:
-- names, numbers and diagnoses stand inside sentences, and only in some of the rows.

create table clinic.invoices (
  id integer not null,
  encounter_id integer not null,
  patient_id integer not null,
  number text not null,
  issued_on date not null,
  amount numeric(10, 2) not null,
  currency char(3) not null,
  paid_on date,
  payer_iban text
);

insert into clinic.invoices
select row_number() over (order by id), id, patient_id,
       'HC-' || to_char(started_at, 'YYYY') || '-' || lpad(id::text, 6, '0'), started_at::date,
       25 + seed.h(id, 301, 40000) / 100.0, 'GBP',
       case when seed.h(id, 302, 10) < 8 then started_at::date + seed.h(id, 303, 45) end,
       case when seed.h(id, 304, 10) < 5 then seed.iban('GB', patient_id) end
from clinic.encounters
where seed.h(id, 305, 100) < 80;

alter table clinic.invoices
  add primary key (id),
  add unique (number),
  add foreign key (encounter_id) references clinic.encounters,
  add foreign key (patient_id) references clinic.patients,
  add check (amount > 0);
create index on clinic.invoices (patient_id);
create index on clinic.invoices (issued_on) where paid_on is null;

create table clinic.notes (
  id integer not null,
  encounter_id integer not null,
  author_id integer not null,
  kind text not null,
  body text not null,
  written_at timestamptz not null
);

comment on table clinic.notes is 'What clinicians write. Treat every word as health data.';

insert into clinic.notes
select row_number() over (order by e.id), e.id, e.staff_id,
       seed.pick(e.id, 311, array['progress', 'progress', 'letter', 'phone', 'discharge']),
       seed.pick(e.id, 312, array['Seen in clinic today. ', 'Telephone review. ',
                                  'Attended with a relative. ', 'Walked in without appointment. '])
       || seed.pick(e.id, 313, array['Complains of tiredness for three weeks. ',
            'Reports pain in the lower back after lifting. ', 'Cough is settling. ',
            'Sleeps badly since the new dose. ', 'Feels well, no new complaint. ',
            'Worried about results from last month. ', 'Rash on both forearms, itching at night. '])
       || seed.pick(e.id, 314, array['Chest clear. ', 'Abdomen soft. ', 'Gait normal. ',
            'Blood pressure repeated after ten minutes and lower. ', 'No red flags. ',
            'Range of motion limited on the left. '])
       || case when seed.h(e.id, 315, 100) < 12
               then 'Next of kin ' || p.given_name || ' ' || p.family_name || ' can be reached on '
                    || seed.phone('GB', e.id) || '. ' else '' end
       || case when seed.h(e.id, 316, 100) < 4
               then 'Wants the letter to ' || coalesce(p.email, 'the home address') || '. '
               else '' end
       || case when seed.h(e.id, 317, 100) < 2
               then 'NHS number read back as ' || p.nhs_number || '. ' else '' end
       || seed.pick(e.id, 318, array['Plan: bloods and review in two weeks.',
            'Plan: continue, call if worse.', 'Plan: refer to physiotherapy.',
            'Plan: stop the tablet for five days, then half the dose.', 'Safety advice given.']),
       e.ended_at
from clinic.encounters as e
join clinic.patients as p on p.id = e.patient_id
where seed.h(e.id, 319, 100) < 40;

-- Discharge letters run to several pages, so that PostgreSQL keeps them out of line.
update clinic.notes
set body = body || E'\n\n' || letter
from (
  select n.id, string_agg(
           'Day ' || day || ': ' || seed.pick(n.id * 64 + day, 321, array[
             'observed overnight, temperature falling', 'physiotherapy twice, walks to the window',
             'seen by the ward round, antibiotics changed to tablets', 'family visited',
             'drip removed, eats half portions', 'scan done and reported without new findings',
             'confused in the evening, settled by the night nurse', 'wound dry, stitches out'])
           || ', code ' || md5(n.id || ':' || day) || '.', E'\n' order by day) as letter
  from clinic.notes as n
  cross join generate_series(1, 60) as day
  where n.kind = 'discharge' and n.id % 4 = 0
  group by n.id
) as l
where notes.id = l.id;

alter table clinic.notes
  add primary key (id),
  add foreign key (encounter_id) references clinic.encounters,
  add foreign key (author_id) references clinic.staff;
create index on clinic.notes using gin (to_tsvector('english', body)) where kind = 'phone';

create table clinic.documents (
  id integer primary key,
  patient_id integer not null references clinic.patients,
  kind text not null,
  body jsonb not null,
  scan bytea,
  received_at timestamptz not null
);

comment on table clinic.documents is 'Forms and letters as they arrived; the shape of body varies.';
alter table clinic.documents alter column scan set storage external;

insert into clinic.documents
select n, p.id, kind,
       case kind
         when 'consent' then jsonb_build_object(
           'form', 'C-' || 10 + seed.h(n, 331, 9), 'granted', seed.h(n, 332, 5) > 0,
           'signed_by', p.given_name || ' ' || p.family_name,
           'signed_at', seed.moment(n, 333, 900), 'witness', seed.given(n, 335))
         when 'referral' then jsonb_build_object(
           'from', jsonb_build_object('practice', seed.family(n, 336) || ' Surgery',
                                      'phone', seed.phone('GB', n)),
           'patient', jsonb_build_object('nhs', p.nhs_number, 'dob', p.born_on,
                                         'contact', jsonb_build_array(p.phone, p.email)),
           'question', seed.pick(n, 337, array['palpitations', 'weight loss', 'chronic pain']))
         when 'insurance' then jsonb_build_object(
           'claim', 'CL' || 900000 + n, 'insurer', p.insurer, 'policy', p.policy_no,
           'account', seed.iban('GB', p.id), 'amount', round(40 + seed.h(n, 338, 90000) / 100.0, 2))
         else jsonb_build_object(
           'device', 'HPX-' || seed.h(n, 339, 40),
           'samples', (select jsonb_agg(seed.h(n * 32 + i, 340, 200))
                       from generate_series(1, 24) as i))
       end,
       case when n % 50 = 0 then
         (select string_agg(sha256((n || ':' || i)::bytea), ''::bytea order by i)
          from generate_series(1, 180) as i) end,
       seed.moment(n, 341, 1500)
from (
  select n, 1 + seed.h(n, 342, 10000) as patient_id,
         seed.pick(n, 343, array['consent', 'referral', 'insurance', 'device']) as kind
  from generate_series(1, 4000) as n
) as d
join clinic.patients as p on p.id = d.patient_id;

create index on clinic.documents (patient_id);
create index on clinic.documents using gin (body jsonb_path_ops);
