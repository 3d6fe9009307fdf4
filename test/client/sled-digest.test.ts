import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { sledDigest, type ReportedVmmState, type SledVmm } from "../../src/index.js";

const PAGE = readFileSync(fileURLToPath(new URL("../../docs/integration.md", import.meta.url)), "utf8");

interface Vector {
  vmms: SledVmm[];
  vmmCount: number;
  digest: string;
}

/** The test vectors of the page: the rows of its table whose last cell is a digest. */
const VECTORS: Vector[] = [...PAGE.matchAll(/^\| (.*?) *\| (\d+) *\| `([0-9a-f]{64})` *\|$/gm)].map(
  ([, vmms = "", count, digest = ""]) => ({
    vmms: [...vmms.matchAll(/`(\S+) (\w+)`/g)].map(([, propolisId = "", state]) => ({
      propolisId,
      state: state as ReportedVmmState,
    })),
    vmmCount: Number(count),
    digest,
  }),
);

const titled = VECTORS.map(({ vmms, ...rest }): [string, Vector] => [
  vmms.map(({ propolisId, state }) => `${propolisId} ${state}`).join(", ") || "none",
  { vmms, ...rest },
]);

it("the page has a vector without VMMs, with dead ones, with an id in capitals, and out of order", () => {
  const all = VECTORS.flatMap(({ vmms }) => vmms);
  expect(VECTORS.some(({ vmms }) => vmms.length === 0)).toBe(true);
  for (const dead of ["failed", "destroyed"]) expect(all.some(({ state }) => state === dead)).toBe(true);
  expect(all.some(({ propolisId }) => propolisId !== propolisId.toLowerCase())).toBe(true);
  const ids = VECTORS.map(({ vmms }) => vmms.map(({ propolisId }) => propolisId));
  expect(ids.some((one) => one.join() !== one.toSorted().join())).toBe(true);
});

describe("the test vectors of docs/integration.md", () => {
  it.each(titled)("sledDigest: %s", async (_, { vmms, vmmCount, digest }) => {
    expect(await sledDigest(vmms)).toEqual({ vmmCount, digest });
    expect(await sledDigest(new Set(vmms.toReversed()))).toEqual({ vmmCount, digest });
  });

  const { status } = spawnSync("python3", ["--version"]);
  it.skipIf(status !== 0)("the Python of the page makes the same", () => {
    const example = /```python\n([\s\S]*?)```/.exec(PAGE)?.[1] ?? "";
    const main = `
import json, sys
print(json.dumps([sled_digest(vmms) for vmms in json.load(sys.stdin)]))`;
    const input = JSON.stringify(
      VECTORS.map(({ vmms }) => vmms.map(({ propolisId, state }) => [propolisId, state])),
    );
    const { stdout, stderr } = spawnSync("python3", ["-c", example + main], { input, encoding: "utf8" });
    expect({ stderr, made: JSON.parse(stdout) as unknown }).toEqual({
      stderr: "",
      made: VECTORS.map(({ vmmCount, digest }) => [vmmCount, digest]),
    });
  });
});
