import type { Catalog } from "./catalog.js";
import { code, table } from "./markdown.js";
import { outcomes } from "./reference.js";

/** The README with its generated regions filled in anew. */
export function renderReadme(readme: string, catalog: Catalog): string {
  return Object.entries({
    functions: briefly("function", catalog.verbs),
    outcomes: outcomes(catalog),
    views: briefly("view", catalog.views),
  }).reduce(fill, readme);
}

function fill(readme: string, [name, table]: [string, string]): string {
  const start = `<!-- generated: ${name} -->`;
  const before = readme.indexOf(start);
  if (before < 0) throw new Error(`README.md has no region ${name}`);
  const after = readme.indexOf("<!-- end -->", before);
  return `${readme.slice(0, before)}${start}\n\n${table}\n\n${readme.slice(after)}`;
}

/** Each with the first sentence of what is to be said of it. */
function briefly(kind: string, all: readonly { name: string; comment: string }[]): string {
  return table(
    [kind, "in short"],
    all.map(({ name, comment }) => [`[${code(name)}](docs/reference.md#${name})`, firstSentence(comment)]),
  );
}

function firstSentence(comment: string): string {
  const [sentence = ""] = comment.split(/\. |\.$/, 1);
  return sentence;
}
