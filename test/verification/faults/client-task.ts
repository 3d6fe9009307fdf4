import type { Client } from "pg";
import type { Arguments, Verb } from "../../../src/simulator/checked-client.js";
import { call } from "./retrying-clients.js";
import { templatesFor } from "./connections.js";

/** What a client has to do. */
export interface ClientTask {
  url: string;
  /** How the server knows the session. */
  applicationName: string;
  /** Settings of the session, as on the server's command line. */
  options: string;
  verb: Verb;
  argument: Arguments<Verb>;
  /** Only connect; call the verb; in a transaction; in one that waits before its end. */
  mode: "idle" | "plain" | "transaction" | "open transaction";
}

/** @param mayEnd what an open transaction waits for */
export async function performTask(
  client: Client,
  { verb, argument, mode }: ClientTask,
  mayEnd: Promise<unknown>,
): Promise<void> {
  if (mode === "idle") {
    await client.query("select");
    return;
  }
  if (mode === "plain") {
    await call(templatesFor(client), verb, argument);
    return;
  }
  await client.query("begin");
  await call(templatesFor(client), verb, argument);
  if (mode === "open transaction") await mayEnd;
  await client.query("commit");
}
