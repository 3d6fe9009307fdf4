import { tmpdir } from "node:os";
import { npm } from "./commands.js";

/** The oldest that `engines` in package.json names, and the newest with long-term support. */
const VERSIONS = ["20.19.0", "22.13.0", "24"];

export interface Node {
  version: string;
  path: string;
}

/** The Node to try the package with: the one that runs, or in mode `node-versions` each of several, from npm. */
export async function nodesToTry(): Promise<Node[]> {
  const { env } = import.meta as ImportMeta & { env: { MODE: string } };
  if (env.MODE !== "node-versions") return [{ version: process.version, path: process.execPath }];
  return await Promise.all(VERSIONS.map(installedNode));
}

async function installedNode(version: string): Promise<Node> {
  const name = `node-${process.platform.replace("win32", "win")}-${process.arch}@${version}`;
  const script = "JSON.stringify({ version: process.version, path: process.execPath })";
  const answer = await npm(tmpdir(), "exec", "--yes", `--package=${name}`, "--", "node", "-p", script);
  return JSON.parse(answer) as Node;
}
