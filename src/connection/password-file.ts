/** What the fields of a line of the password file are compared with. */
interface Login {
  host: string;
  port: number;
  database: string;
  user: string;
}

/**
 * Finds a password in the file that libpq reads: `PGPASSFILE`, or else `~/.pgpass`.
 *
 * As in libpq, a file that others may read does not count, and `localhost` stands for a Unix socket.
 *
 * @returns undefined when no line fits
 */
export async function passwordFromFile(login: Login): Promise<string | undefined> {
  const { default: findPassword } = await import("pgpass");
  const host = login.host.startsWith("/") ? "localhost" : login.host;
  return await new Promise((found) => {
    findPassword({ ...login, host }, found);
  });
}
