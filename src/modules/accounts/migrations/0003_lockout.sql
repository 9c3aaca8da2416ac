-- Attempts to sign in with a password. Three counts, so that nobody can lock another out: of an account from one device or
-- address, of an address whatever the account, and of an account from devices that it does not know.

-- By account, or by the hash of what was given for one: an address that is nobody's is counted alike.
CREATE TABLE login_identities (
  identity text PRIMARY KEY,
  is_account boolean NOT NULL,
  -- In a row, whenever and wherever. From a hundred on the password is disabled (NIST SP 800-63B-4 section 3.2.2).
  in_row int NOT NULL DEFAULT 0,
  -- From devices that the account does not know, forgotten after an hour without one.
  strange int NOT NULL DEFAULT 0,
  strange_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  tried_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX login_identities_by_time ON login_identities (tried_at);

-- By address or IPv6 /64, within ten minutes from the first.
CREATE TABLE login_addresses (
  address text PRIMARY KEY,
  failures int NOT NULL DEFAULT 0,
  since timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX login_addresses_by_time ON login_addresses (since);

-- By both; the source is an address, or a device that the account knows. In a row, forgotten after a day without one.
CREATE TABLE login_sources (
  identity text NOT NULL,
  source text NOT NULL,
  failures int NOT NULL DEFAULT 0,
  tried_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (identity, source)
);
CREATE INDEX login_sources_by_time ON login_sources (tried_at);

-- Seconds left of a wait that began at p_since after p_failures. The first after p_free, each twice the one before, at most 15 minutes.
CREATE FUNCTION login_wait(
  p_failures int, p_free int, p_first_s int, p_since timestamptz, p_now timestamptz
) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_failures < p_free THEN 0
    -- A clock that was set back must not make a wait longer.
    ELSE least(900, p_first_s * power(2, least(p_failures - p_free, 20)))
      - extract(epoch FROM p_now - least(p_since, p_now)) END
$$;

-- Counts an attempt as a failure before it is checked, so that of many at one moment none slips past, unless it has to wait:
-- then nothing is counted and wait_s is above 0. The rows are locked in one order everywhere: identity, address, source.
CREATE FUNCTION login_begin(
  p_identity text, p_is_account boolean, p_address text, p_source text, p_is_known boolean, p_first_wait_s int
) RETURNS TABLE (wait_s float8, in_row int, is_lock boolean) LANGUAGE plpgsql AS $$
DECLARE
  c_source_free CONSTANT int := 5;
  c_account_free CONSTANT int := 10;
  c_address_free CONSTANT int := 20;
  v_identity login_identities;
  v_address login_addresses;
  v_source login_sources;
  v_now timestamptz;
BEGIN
  INSERT INTO login_identities AS i (identity, is_account) VALUES (p_identity, p_is_account)
  ON CONFLICT (identity) DO UPDATE SET is_account = excluded.is_account RETURNING * INTO v_identity;
  INSERT INTO login_addresses AS a (address) VALUES (p_address)
  ON CONFLICT (address) DO UPDATE SET failures = a.failures RETURNING * INTO v_address;
  INSERT INTO login_sources AS s (identity, source) VALUES (p_identity, p_source)
  ON CONFLICT (identity, source) DO UPDATE SET failures = s.failures RETURNING * INTO v_source;

  v_now := clock_timestamp();
  IF v_source.tried_at < v_now - interval '1 day' THEN v_source.failures := 0; END IF;
  IF v_identity.strange_at < v_now - interval '1 hour' THEN v_identity.strange := 0; END IF;
  IF v_address.since NOT BETWEEN v_now - interval '10 minutes' AND v_now THEN
    v_address.failures := 0;
    v_address.since := v_now;
  END IF;

  IF p_first_wait_s > 0 THEN
    wait_s := login_wait(v_source.failures, c_source_free, p_first_wait_s, v_source.tried_at, v_now);
    IF NOT p_is_known THEN
      wait_s := greatest(
        wait_s, login_wait(v_identity.strange, c_account_free, p_first_wait_s, v_identity.strange_at, v_now));
      IF v_address.failures >= c_address_free THEN
        wait_s := greatest(wait_s, extract(epoch FROM v_address.since + interval '10 minutes' - v_now));
      END IF;
    END IF;
    IF wait_s > 0 THEN
      in_row := v_identity.in_row;
      is_lock := false;
      RETURN NEXT;
      RETURN;
    END IF;
  END IF;

  UPDATE login_identities i SET in_row = i.in_row + 1, tried_at = v_now,
    strange = CASE WHEN p_is_known THEN v_identity.strange ELSE v_identity.strange + 1 END,
    strange_at = CASE WHEN p_is_known THEN i.strange_at ELSE v_now END
  WHERE i.identity = p_identity;
  UPDATE login_addresses SET failures = v_address.failures + CASE WHEN p_is_known THEN 0 ELSE 1 END, since = v_address.since
  WHERE address = p_address;
  UPDATE login_sources SET failures = v_source.failures + 1, tried_at = v_now
  WHERE identity = p_identity AND source = p_source;
  wait_s := 0;
  in_row := v_identity.in_row + 1;
  is_lock := p_first_wait_s > 0 AND v_source.failures + 1 = c_source_free;
  RETURN NEXT;
END $$;

-- Takes back an attempt that was no failure: the right password ends what was in a row, one that was not checked is one less.
-- Failures elsewhere stay counted: they were not of whoever knows the password.
CREATE FUNCTION login_take_back(
  p_identity text, p_address text, p_source text, p_is_known boolean, p_is_right boolean
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_strange CONSTANT int := CASE WHEN p_is_known THEN 0 ELSE 1 END;
BEGIN
  UPDATE login_identities SET strange = greatest(0, strange - v_strange),
    in_row = CASE WHEN p_is_right THEN 0 ELSE greatest(0, in_row - 1) END
  WHERE identity = p_identity;
  UPDATE login_addresses SET failures = greatest(0, failures - v_strange) WHERE address = p_address;
  UPDATE login_sources SET failures = CASE WHEN p_is_right THEN 0 ELSE greatest(0, failures - 1) END
  WHERE identity = p_identity AND source = p_source;
END $$;
