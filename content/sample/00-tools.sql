-- The tools that the other files draw with; the last file drops them again.
-- Everything is derived from row numbers by a fixed hash: two loads give the same bytes.

create schema seed;

comment on schema seed is 'Drawing tools of the sample data; dropped when the load ends.';

-- A number from 0 to n - 1 for row x; the salt makes the draws of one row independent.
create function seed.h(x bigint, salt integer, n integer) returns integer
language sql immutable parallel safe as $$
  select ((hashint8extended(x, salt) & 9223372036854775807) % n)::integer
$$;

-- One element of a list for row x.
create function seed.pick(x bigint, salt integer, list text[]) returns text
language sql immutable parallel safe as $$
  select list[1 + ((hashint8extended(x, salt) & 9223372036854775807)
                   % array_length(list, 1))::integer]
$$;

-- Common given names from several languages. No combination means a living person.
create function seed.given(x bigint, salt integer) returns text
language sql immutable parallel safe as $$
  select seed.pick(x, salt, array[
    'Aaron', 'Ada', 'Agnes', 'Ahmed', 'Aino', 'Alice', 'Amina', 'Amir', 'Ana', 'Andrea',
    'Anna', 'Anton', 'Arthur', 'Aya', 'Beatriz', 'Ben', 'Bruno', 'Camille', 'Carla', 'Carlos',
    'Caspar', 'Chiara', 'Chloe', 'Clara', 'Daniel', 'David', 'Deepa', 'Diego', 'Dora', 'Edith',
    'Eero', 'Elena', 'Eli', 'Elif', 'Ella', 'Emil', 'Emma', 'Erik', 'Esra', 'Eva',
    'Fatima', 'Felix', 'Femi', 'Finn', 'Flora', 'Frida', 'Gabriel', 'George', 'Grace', 'Greta',
    'Hana', 'Hanna', 'Harold', 'Helen', 'Hugo', 'Ida', 'Igor', 'Ines', 'Iris', 'Isaac',
    'Ivan', 'Jack', 'Jana', 'Jasper', 'Joan', 'Jonas', 'Jorge', 'Julia', 'Kaisa', 'Karim',
    'Kate', 'Keiko', 'Kenji', 'Lars', 'Laura', 'Leila', 'Leo', 'Lina', 'Louis', 'Lucia',
    'Luis', 'Maja', 'Marco', 'Maria', 'Marta', 'Matti', 'Maya', 'Mei', 'Mila', 'Mina',
    'Mohamed', 'Moritz', 'Nadia', 'Nils', 'Nina', 'Noah', 'Nora', 'Olga', 'Oliver', 'Omar',
    'Oskar', 'Paul', 'Pedro', 'Petra', 'Priya', 'Rafael', 'Rahul', 'Rosa', 'Ruth', 'Samir',
    'Sara', 'Simon', 'Sofia', 'Stefan', 'Tara', 'Tomas', 'Vera', 'Victor', 'Yusuf', 'Zoe'])
$$;

-- Common family names from several languages, some with marks and spaces.
create function seed.family(x bigint, salt integer) returns text
language sql immutable parallel safe as $$
  select seed.pick(x, salt, array[
    'Adler', 'Ahmed', 'Ali', 'Allen', 'Andersen', 'Bailey', 'Baker', 'Barbosa', 'Bauer',
    'Becker', 'Bell', 'Bergström', 'Bianchi', 'Brown', 'Carter', 'Castillo', 'Chen', 'Clarke',
    'Costa', 'Cruz', 'Dahl', 'Davies', 'de Vries', 'Demir', 'Diaz', 'Dubois', 'Edwards',
    'Eriksen', 'Evans', 'Fernandes', 'Fischer', 'Foster', 'Franco', 'Fuchs', 'Garcia', 'Gomes',
    'Gray', 'Green', 'Gupta', 'Haas', 'Hall', 'Hansen', 'Harris', 'Hassan', 'Heikkinen',
    'Hill', 'Hoffmann', 'Horvath', 'Hughes', 'Ibrahim', 'Ito', 'Ivanova', 'Jansen', 'Johansson',
    'Jones', 'Kaiser', 'Karlsson', 'Kaya', 'Keller', 'Khan', 'Kim', 'King', 'Klein', 'Koch',
    'Korhonen', 'Kowalska', 'Kumar', 'Laine', 'Lang', 'Larsen', 'Lee', 'Lehmann', 'Lewis',
    'Lindqvist', 'Lopez', 'Maier', 'Marino', 'Martin', 'Meyer', 'Mitchell', 'Moore', 'Morales',
    'Moreau', 'Müller', 'Murphy', 'Mäkinen', 'Nakamura', 'Navarro', 'Nguyen', 'Nielsen',
    'Nieminen', 'Novak', 'O''Brien', 'O''Neill', 'Okafor', 'Olsen', 'Ortiz', 'Owen', 'Park',
    'Patel', 'Pereira', 'Petrov', 'Phillips', 'Popescu', 'Ramos', 'Reed', 'Reyes', 'Ricci',
    'Richter', 'Roberts', 'Romano', 'Rossi', 'Russo', 'Santos', 'Sato', 'Schmidt', 'Schneider',
    'Scott', 'Silva', 'Singh', 'Smith', 'Sousa', 'Stewart', 'Suzuki', 'Svensson', 'Tanaka',
    'Taylor', 'Thomas', 'Torres', 'Turner', 'van Dijk', 'Virtanen', 'Vogel', 'Walker', 'Weber',
    'White', 'Wilson', 'Wolf', 'Wright', 'Yilmaz', 'Young', 'Zimmermann'])
$$;

-- An address at a domain that no one can own (RFC 2606).
create function seed.email(given text, family text, x bigint) returns text
language sql immutable parallel safe as $$
  select translate(lower(given || '.' || family), 'äöüåé ''', 'aouae')
         || x || (array['@example.com', '@example.org', '@example.net'])[1 + (x % 3)::integer]
$$;

-- A number from a range kept for fiction: 555-01xx in North America, Ofcom's drama numbers in
-- Britain, the Bundesnetzagentur's in Berlin; elsewhere the British ones again.
create function seed.phone(country text, x bigint) returns text
language sql immutable parallel safe as $$
  select case country
    when 'US' then '+1 ' || (array['212', '303', '415', '512', '617', '702', '808', '907'])
                            [1 + seed.h(x, 901, 8)]
                   || '-555-01' || lpad(seed.h(x, 902, 100)::text, 2, '0')
    when 'DE' then '+49 30 23125 ' || lpad(seed.h(x, 903, 1000)::text, 3, '0')
    else case seed.h(x, 904, 2)
      when 0 then '+44 7700 900' || lpad(seed.h(x, 905, 1000)::text, 3, '0')
      else '+44 20 7946 0' || lpad(seed.h(x, 906, 1000)::text, 3, '0') end
  end
$$;

-- Appends the check digit of ISO/IEC 7812-1 (Luhn) to a row of digits.
create function seed.luhn(payload text) returns text
language plpgsql immutable parallel safe as $$
declare
  total integer := 0;
  digit integer;
  n constant integer := length(payload);
begin
  for i in 1..n loop
    digit := ascii(substr(payload, n + 1 - i, 1)) - 48;
    total := total + case when i % 2 = 1 then digit * 2 - 9 * (digit / 5) else digit end;
  end loop;
  return payload || (10 - total % 10) % 10;
end
$$;

-- A card number from the ranges that payment providers publish for tests.
create function seed.card(x bigint) returns text
language sql immutable parallel safe as $$
  select seed.luhn(case
    when seed.h(x, 911, 100) < 10 then '378282' || lpad(seed.h(x, 912, 100000000)::text, 8, '0')
    else (array['400000', '411111', '424242', '555555', '510510', '222300', '601111'])
         [1 + seed.h(x, 913, 7)] || lpad(seed.h(x, 914, 1000000000)::text, 9, '0')
  end)
$$;

-- An account number with the check digits of ISO 13616 (mod 97). German bank codes start with
-- 1 to 8 and no British bank is called TEST: both formats are right and nobody's account.
create function seed.iban(country text, x bigint) returns text
language sql immutable parallel safe as $$
  select case country
    when 'DE' then (
      select 'DE' || lpad((98 - (bban || '131400')::numeric % 97)::text, 2, '0') || bban
      from (select '99' || lpad(seed.h(x, 921, 1000000)::text, 6, '0')
                   || lpad(x::text, 10, '0') as bban) as d)
    else (
      -- T, E, S, T are 29, 14, 28, 29; G, B are 16, 11.
      select 'GB' || lpad((98 - ('29142829' || rest || '161100')::numeric % 97)::text, 2, '0')
             || 'TEST' || rest
      from (select lpad(seed.h(x, 922, 1000000)::text, 6, '0')
                   || lpad(x::text, 8, '0') as rest) as g)
  end
$$;

-- A Finnish personal identity code with its check letter; the serials from 900 are kept for
-- temporary and test use, so nobody carries one.
create function seed.hetu(born date, x bigint) returns text
language sql immutable parallel safe as $$
  select to_char(born, 'DDMMYY') || case when born < date '2000-01-01' then '-' else 'A' end
         || serial || substr('0123456789ABCDEFHJKLMNPRSTUVWXY',
                             1 + ((to_char(born, 'DDMMYY') || serial)::bigint % 31)::integer, 1)
  from (select 900 + seed.h(x, 931, 100) as serial) as s
$$;

-- A moment within n days before the end of the sample's time, on a whole minute.
create function seed.moment(x bigint, salt integer, n integer) returns timestamptz
language sql immutable parallel safe as $$
  select timestamp '2026-06-30 18:00' at time zone 'UTC'
         - make_interval(days => seed.h(x, salt, n), mins => seed.h(x, salt + 1, 600))
$$;

-- An address of a network kept for documentation (RFC 5737).
create function seed.ip(x bigint, salt integer) returns inet
language sql immutable parallel safe as $$
  select ((array['192.0.2.', '198.51.100.', '203.0.113.'])[1 + seed.h(x, salt, 3)]
          || 1 + seed.h(x, salt + 1, 254))::inet
$$;
