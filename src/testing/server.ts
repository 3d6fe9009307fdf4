import { type EmbeddedServer, startEmbedded } from "../embedded/start.js";

let own: Promise<EmbeddedServer> | undefined;

/**
 * Finds the server to test on, or starts one for this process.
 *
 * The given server comes first, then that of the environment.
 */
export async function testServerUrl(given: string | undefined): Promise<string> {
  const url = given ?? process.env["TEST_DATABASE_URL"];
  if (url) return url;
  own ??= startEmbedded();
  return (await own).url;
}
