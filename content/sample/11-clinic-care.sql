-- The clinic: appointments, encounters, diagnoses, prescriptions and laboratory results.

create table clinic.appointments (
  id integer not null,
  patient_id integer not null,
  staff_id integer not null,
  starts_at timestamptz not null,
  minutes smallint not null,
  status text not null,
  reason text
);

insert into clinic.appointments
select n, 1 + seed.h(n, 201, 10000), 1 + seed.h(n, 202, 320), seed.moment(n, 203, 900),
       (array[10, 15, 20, 30, 45])[1 + seed.h(n, 205, 5)],
       (array['done', 'done', 'done', 'done', 'done', 'done', 'done', 'missed', 'cancelled',
              'booked'])[1 + seed.h(n, 206, 10)],
       seed.pick(n, 207, array['follow-up', 'new complaint', 'vaccination', 'blood test', 'review',
                               'sick note', 'referral', 'screening', 'repeat prescription'])
from generate_series(1, 30000) as n;

alter table clinic.appointments
  add primary key (id),
  add foreign key (patient_id) references clinic.patients,
  add foreign key (staff_id) references clinic.staff,
  add check (minutes between 5 and 240),
  add check (status in ('booked', 'done', 'missed', 'cancelled'));
create index on clinic.appointments (patient_id);
create index on clinic.appointments (staff_id, starts_at);

create table clinic.encounters (
  id integer not null,
  appointment_id integer not null,
  patient_id integer not null,
  staff_id integer not null,
  started_at timestamptz not null,
  ended_at timestamptz not null,
  class text not null,
  triage smallint,
  vitals jsonb
);

insert into clinic.encounters
select row_number() over (order by id), id, patient_id, staff_id, starts_at,
       starts_at + make_interval(mins => minutes),
       (array['ambulatory', 'ambulatory', 'ambulatory', 'emergency', 'virtual'])
       [1 + seed.h(id, 211, 5)],
       case when seed.h(id, 212, 5) = 3 then 1 + seed.h(id, 213, 5) end,
       case when seed.h(id, 214, 10) < 6 then jsonb_build_object(
         'pulse', 52 + seed.h(id, 215, 60), 'systolic', 98 + seed.h(id, 216, 70),
         'diastolic', 58 + seed.h(id, 217, 40),
         'temperature', round(35.8 + seed.h(id, 218, 35) / 10.0, 1)) end
from clinic.appointments
where status = 'done';

alter table clinic.encounters
  add primary key (id),
  add unique (appointment_id),
  add foreign key (appointment_id) references clinic.appointments,
  add foreign key (patient_id) references clinic.patients,
  add foreign key (staff_id) references clinic.staff,
  add check (ended_at > started_at);
create index on clinic.encounters (patient_id, started_at);

create table clinic.conditions (
  code text primary key,
  title text not null,
  sensitive boolean not null
);

comment on table clinic.conditions is 'Codes of ICD-10 that the clinic uses, with short titles.';

insert into clinic.conditions (code, title, sensitive) values
  ('A09', 'Infectious diarrhoea', false),       ('B20', 'HIV disease', true),
  ('B34.9', 'Viral infection', false),          ('C50.9', 'Cancer of the breast', true),
  ('C61', 'Cancer of the prostate', true),      ('D50.9', 'Anaemia from lack of iron', false),
  ('E03.9', 'Underactive thyroid', false),      ('E11.9', 'Diabetes, type 2', false),
  ('E66.9', 'Obesity', false),                  ('E78.0', 'High cholesterol', false),
  ('F10.2', 'Dependence on alcohol', true),     ('F20.9', 'Schizophrenia', true),
  ('F32.1', 'Depression, moderate', true),      ('F41.1', 'Anxiety', true),
  ('G40.9', 'Epilepsy', false),                 ('G43.9', 'Migraine', false),
  ('H10.9', 'Conjunctivitis', false),           ('I10', 'High blood pressure', false),
  ('I25.1', 'Coronary heart disease', false),   ('I48.9', 'Atrial fibrillation', false),
  ('J06.9', 'Common cold', false),              ('J18.9', 'Pneumonia', false),
  ('J45.9', 'Asthma', false),                   ('K21.9', 'Reflux', false),
  ('L20.9', 'Atopic eczema', false),            ('M17.9', 'Arthrosis of the knee', false),
  ('M54.5', 'Low back pain', false),            ('N39.0', 'Urinary tract infection', false),
  ('O80', 'Single spontaneous delivery', true), ('R51', 'Headache', false),
  ('S52.5', 'Fracture of the wrist', false),    ('Z00.0', 'General examination', false),
  ('Z23', 'Vaccination', false),                ('Z30.0', 'Advice on contraception', true);

create table clinic.diagnoses (
  id integer not null,
  encounter_id integer not null,
  code text not null,
  rank smallint not null,
  certain boolean not null
);

insert into clinic.diagnoses
select row_number() over (order by e.id, r.rank), e.id,
       c.codes[1 + seed.h(e.id * 3 + r.rank, 221, 34)], r.rank,
       seed.h(e.id * 3 + r.rank, 222, 5) > 0
from clinic.encounters as e
cross join lateral generate_series(1, 1 + seed.h(e.id, 223, 3) * seed.h(e.id, 224, 2)) as r(rank)
cross join (
  select array_agg(code order by code collate "C") as codes from clinic.conditions
) as c;

alter table clinic.diagnoses
  add primary key (id),
  add unique (encounter_id, rank),
  add foreign key (encounter_id) references clinic.encounters,
  add foreign key (code) references clinic.conditions;
create index on clinic.diagnoses (code);

create table clinic.prescriptions (
  id integer not null,
  encounter_id integer not null,
  patient_id integer not null,
  medicine text not null,
  strength text not null,
  directions text not null,
  issued_on date not null,
  valid_until date not null,
  repeats smallint not null
);

insert into clinic.prescriptions
select row_number() over (order by id), id, patient_id, medicine,
       (array['2.5 mg', '5 mg', '10 mg', '20 mg', '50 mg', '250 mg', '500 mg'])
       [1 + seed.h(id, 231, 7)],
       (array['one in the morning', 'one in the evening', 'one twice a day with food',
              'one three times a day', 'as needed, not more than four a day'])
       [1 + seed.h(id, 232, 5)],
       started_at::date, started_at::date + 28 * (1 + seed.h(id, 233, 6)), seed.h(id, 234, 4)
from (
  select e.*, seed.pick(id, 235, array['amlodipine', 'amoxicillin', 'atorvastatin', 'cetirizine',
           'insulin glargine', 'levothyroxine', 'lisinopril', 'metformin', 'methadone',
           'naproxen', 'omeprazole', 'paracetamol', 'prednisolone', 'ramipril', 'salbutamol',
           'sertraline', 'tenofovir', 'warfarin']) as medicine
  from clinic.encounters as e
  where seed.h(id, 236, 100) < 88
) as p;

alter table clinic.prescriptions
  add primary key (id),
  add foreign key (encounter_id) references clinic.encounters,
  add foreign key (patient_id) references clinic.patients,
  add check (valid_until > issued_on);
create index on clinic.prescriptions (patient_id);

create table clinic.lab_results (
  id integer not null,
  encounter_id integer not null,
  patient_id integer not null,
  analyte text not null,
  value numeric(8, 2) not null,
  unit text not null,
  flag char(1),
  taken_at timestamptz not null
);

insert into clinic.lab_results
select row_number() over (order by id, k), id, patient_id, t.analytes[pos],
       round(t.lows[pos] * 0.8 + t.lows[pos] * seed.h(x, 241, 1000) / 1000.0, 2),
       t.units[pos],
       case when seed.h(x, 241, 1000) < 90 then 'L' when seed.h(x, 241, 1000) > 890 then 'H' end,
       started_at + interval '20 minutes'
from (
  select e.id, e.patient_id, e.started_at, k, e.id * 8 + k as x,
         1 + (seed.h(e.id, 242, 8) + k) % 8 as pos
  from clinic.encounters as e
  cross join lateral generate_series(1, 4 + seed.h(e.id, 243, 3)) as k
  where seed.h(e.id, 244, 100) < 48
) as r
cross join (
  select array['haemoglobin', 'glucose', 'HbA1c', 'creatinine', 'potassium', 'cholesterol',
               'TSH', 'CRP'] as analytes,
         array[12.5, 4.1, 28, 58, 3.5, 3.2, 0.6, 1.2] as lows,
         array['g/dL', 'mmol/L', 'mmol/mol', 'umol/L', 'mmol/L', 'mmol/L', 'mU/L', 'mg/L']
           as units
) as t;

alter table clinic.lab_results
  add primary key (id),
  add foreign key (encounter_id) references clinic.encounters,
  add foreign key (patient_id) references clinic.patients,
  add check (flag in ('L', 'H'));
create index on clinic.lab_results (patient_id, analyte, taken_at);
