import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./tarball.js";

export interface Snippet {
  /** The name of a module: the page, and the line on which the snippet begins there. */
  name: string;
  code: string;
}

/** Reads the TypeScript in README.md and in the pages of docs/ that people write. */
export function readSnippets(): Snippet[] {
  const pages = readdirSync(join(ROOT, "docs")).filter((file) => file.endsWith(".md"));
  return ["README.md", ...pages.map((page) => join("docs", page))].flatMap(snippetsOf);
}

function snippetsOf(page: string): Snippet[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(({ index, 1: code = "" }) => {
    const line = text.slice(0, index).split("\n").length + 1;
    return { name: `${page.replaceAll(/\W/g, "-")}-${line}.mts`, code };
  });
}
