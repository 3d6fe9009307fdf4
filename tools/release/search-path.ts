import { type Migration, recordOf } from "../../src/schema/files.js";

/**
 * The first statement of a migration. Whatever the session's search_path is, names in the migration resolve in
 * pg_catalog: else a role with CREATE on a schema of that path could have its function or operator called by what the
 * migration makes, with the rights of the schema's owner (CVE-2018-1058).
 */
export const SAFE_PATH = `\
-- Names resolve in pg_catalog, whatever the session's search_path is (CVE-2018-1058); the end of the file sets it back.
DO $$
BEGIN
  PERFORM pg_catalog.set_config('vmstate.search_path', pg_catalog.current_setting('search_path'), false);
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
END;
$$;
-- Without a transaction block, the setting ended with the statement: then it is the session's until the end of the file.
DO $$
BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false)
    WHERE pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.<>) 'pg_catalog, pg_temp';
END;
$$;
`;

/** The last statement of a migration but its record: the session's search_path is as it was before. */
export const PATH_BEFORE = `\
DO $$
BEGIN
  PERFORM pg_catalog.set_config('search_path', pg_catalog.current_setting('vmstate.search_path'), true);
END;
$$;
DO $$
BEGIN
  PERFORM pg_catalog.set_config('search_path', pg_catalog.current_setting('vmstate.search_path'), false)
    WHERE pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.<>) pg_catalog.current_setting('vmstate.search_path');
END;
$$;
`;

/** The first migration that sets the search_path. Those before were made without, and stay as they are. */
const FIRST = 5;

/** Lists which of the two statements on the search_path a migration lacks. */
export function pathComplaints({ number, name, isBreaking, text }: Migration): string[] {
  if (number < FIRST) return [];
  const [, statements = ""] = /^(?:--.*\n)*\n([^]*)$/.exec(text) ?? [];
  const ends = text.endsWith(`${PATH_BEFORE}\n${recordOf(name, isBreaking)}`);
  return [
    ...(statements.startsWith(SAFE_PATH) ? [] : ["its first statement does not set the search_path"]),
    ...(ends ? [] : ["the last statement before its record does not set the search_path back"]),
  ];
}
