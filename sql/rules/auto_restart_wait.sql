CREATE OR REPLACE FUNCTION vmstate.auto_restart_wait(p_cooldown interval, p_attempts integer) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN greatest(
  coalesce(p_cooldown, interval '5 minutes'),
  -- Reckons in seconds, because an interval can overflow, and caps the exponent at 32, because power() can overflow, too.
  make_interval(secs => least(
    3600,
    CASE
      WHEN p_cooldown = interval '0' AND p_attempts >= 2 THEN 1
      ELSE extract(epoch FROM coalesce(p_cooldown, interval '5 minutes'))
    END * power(2, least(greatest(p_attempts, 1) - 1, 32))
  )::double precision)
);
REVOKE ALL ON FUNCTION vmstate.auto_restart_wait FROM PUBLIC;
COMMENT ON FUNCTION vmstate.auto_restart_wait IS 'Tells how long the next automatic restart waits after the last one.

The cooldown (NULL: 5 minutes), doubled with each attempt after the first, up to 1 hour unless the cooldown is longer. A cooldown of 0 counts as 1 second from the second attempt on, so that a VM that cannot boot is slowed down as well.';
