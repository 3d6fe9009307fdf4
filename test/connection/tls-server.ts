import { chmodSync, copyFileSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import { type EmbeddedServer, startEmbedded } from "../../src/embedded/start.js";
import { giveToServerUser } from "../../src/embedded/server-user.mjs";
import { systemBin } from "../support/system-programs.js";

export const CERTIFICATES = join(import.meta.dirname, "certificates");

/** The pg_hba.conf: which user may log in, and how. */
const HBA = `
hostnossl all plain    all scram-sha-256
hostssl   all secure   all scram-sha-256
hostssl   all cleartext all password
hostssl   all digest   all md5
hostssl   all trusted  all trust
hostssl   all owner_of_key all cert
host      all postgres all scram-sha-256
`;

/** A server with TLS, of the version that is tested. Its certificate is for `localhost`, by an authority of our own. */
export async function startTlsServer(): Promise<EmbeddedServer> {
  const dir = mkdtempSync(join(tmpdir(), "vmstate-tls-"));
  chmodSync(dir, 0o755);
  const own = (name: string, mode = 0o644): string => {
    const file = join(dir, name);
    copyFileSync(join(CERTIFICATES, name), file);
    chmodSync(file, mode);
    giveToServerUser(file);
    return file;
  };
  const hba = join(dir, "hba.conf");
  writeFileSync(hba, HBA);
  chmodSync(hba, 0o644);
  const settings = {
    ssl: "on",
    ssl_cert_file: own("server.crt"),
    ssl_key_file: own("server.key", 0o600),
    ssl_ca_file: own("ca.crt"),
    hba_file: hba,
  };
  const bin = inject("serverKind") === "system" ? systemBin(["initdb", "postgres"]) : undefined;
  return await startEmbedded({ settings, ...(bin !== undefined && { bin }) });
}
