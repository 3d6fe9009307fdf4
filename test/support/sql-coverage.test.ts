import { expect, it } from "vitest";
import { branchesOf } from "./sql-coverage.js";

const BODY = `
DECLARE
  v_x text := CASE WHEN true THEN 'BEGIN' ELSE 'x' END;
BEGIN
  IF p_a THEN -- THEN
    RETURN (SELECT CASE WHEN b THEN 1 ELSE 2 END FROM t);
  ELSIF p_b IN ('it''s', 'ELSE') THEN
    v_x := 'LOOP;';
  END IF;
  IF p_c THEN
    NULL;
  ELSE
    NULL;
  END IF;
  CASE v_x
    WHEN 'a' THEN RETURN 1;
    ELSE NULL;
  END CASE;
  FOR v_i IN SELECT CASE WHEN a THEN 1 END FROM t LOOP
    CONTINUE WHEN v_i = 1;
    EXIT;
  END LOOP;
  LOOP
    EXIT WHEN FOUND;
  END LOOP;
EXCEPTION
  WHEN data_exception THEN
    RAISE;
END;
`;

it("branchesOf finds each branch of a body, also a missing ELSE, and none in an expression", () => {
  const lines = branchesOf(BODY).map(
    ({ offset, line }) => `${line} | ${BODY.slice(offset - 6, offset).trim()}`,
  );
  expect(lines).toEqual([
    "line 4: BEGIN | BEGIN",
    "line 5: IF p_a THEN -- THEN | a THEN",
    "line 7: ELSIF p_b IN ('it''s', 'ELSE') THEN | ) THEN",
    "line 9: (otherwise) END IF; | ;';",
    "line 10: IF p_c THEN | c THEN",
    "line 12: ELSE | ELSE",
    "line 16: WHEN 'a' THEN RETURN 1; | ' THEN",
    "line 17: ELSE NULL; | ELSE",
    "line 19: FOR v_i IN SELECT CASE WHEN a THEN 1 END FROM t LOOP | t LOOP",
    "line 20: CONTINUE WHEN v_i = 1; | i = 1;",
    "line 23: LOOP | LOOP",
    "line 24: EXIT WHEN FOUND; | FOUND;",
    "line 25: END LOOP; | LOOP;",
    "line 27: WHEN data_exception THEN | n THEN",
  ]);
});
