-- As before, with half of the writes: rows that are there are locked, not written, before it is known whether to wait.
CREATE OR REPLACE FUNCTION login_begin(
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
  SELECT * INTO v_identity FROM login_identities i WHERE i.identity = p_identity FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    INSERT INTO login_identities AS i (identity, is_account) VALUES (p_identity, p_is_account)
    ON CONFLICT (identity) DO UPDATE SET is_account = excluded.is_account RETURNING * INTO v_identity;
  END IF;
  SELECT * INTO v_address FROM login_addresses a WHERE a.address = p_address FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    INSERT INTO login_addresses AS a (address) VALUES (p_address)
    ON CONFLICT (address) DO UPDATE SET failures = a.failures RETURNING * INTO v_address;
  END IF;
  SELECT * INTO v_source FROM login_sources s WHERE s.identity = p_identity AND s.source = p_source FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    INSERT INTO login_sources AS s (identity, source) VALUES (p_identity, p_source)
    ON CONFLICT (identity, source) DO UPDATE SET failures = s.failures RETURNING * INTO v_source;
  END IF;

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

  UPDATE login_identities i SET in_row = i.in_row + 1, tried_at = v_now, is_account = p_is_account,
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

-- Each attempt writes these columns: without an index on them it leaves no entry behind in any other. Once an hour the old ones
-- are found by reading all.
DROP INDEX login_identities_by_time, login_addresses_by_time, login_sources_by_time;
