/** What this package uses of `pgpass`, which has no types of its own. */
declare module "pgpass" {
  interface Login {
    host: string;
    port: number;
    database: string;
    user: string;
  }
  function findPassword(login: Login, found: (password: string | undefined) => void): void;
  export = findPassword;
}
