import { type EmbeddedServer, startEmbedded } from "../embedded/start.js";

let own: Promise<EmbeddedServer> | undefined;

/** Of the server to test on: the given one, else that of the environment, else one for this process. */
export async function testServerUrl(given: string | undefined): Promise<string> {
  const url = given ?? process.env["TEST_DATABASE_URL"];
  if (url) return url;
  own ??= startEmbedded();
  return (await own).url;
}
