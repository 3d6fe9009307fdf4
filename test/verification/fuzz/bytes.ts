import pg from "pg";
import type { TestDatabase } from "../../support/copy.js";
import type { Catalog, Routine } from "./catalog.js";
import type { Finding } from "./finding.js";

/** No UTF-8: a stray byte, a cut-off character, half a surrogate pair, beyond Unicode, an overlong NUL. */
const invalid = ["ff", "c328", "eda080", "f4908080", "c080"].map((hex) => Buffer.from(hex, "hex"));

/** Every argument of every verb as bytes that are no text, which only a client that sends them as they are can do. */
export async function fuzzBytes(database: TestDatabase, { routines }: Catalog): Promise<Finding[]> {
  const client = new pg.Client(database.url);
  await client.connect();
  try {
    const findings: Finding[] = [];
    for (const routine of routines.filter(({ isVerb }) => isVerb))
      findings.push(...(await refusals(client, routine)));
    return findings;
  } finally {
    await client.end();
  }
}

async function refusals(client: pg.Client, { name, arguments: slots }: Routine): Promise<Finding[]> {
  const findings: Finding[] = [];
  const list = slots.map((slot, n) => `${slot.name} => $${n + 1}::text::${slot.type}`).join(", ");
  for (const broken of slots) {
    for (const bytes of invalid) {
      const values = slots.map((slot) => (slot === broken ? bytes : null));
      const code = await client
        .query(`select vmstate.${name}(${list})`, values)
        .then(() => "an answer", codeOf);
      if (code !== "22021")
        findings.push({
          fault: "internal error",
          target: name,
          problem: `${code} to bytes that are no text in ${broken.name}`,
        });
    }
  }
  return findings;
}

function codeOf(error: unknown): string {
  return error instanceof pg.DatabaseError ? String(error.code) : String(error);
}
