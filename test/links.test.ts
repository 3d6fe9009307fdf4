import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const pages = [
  "README.md",
  "CHANGELOG.md",
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => join("docs", file)),
];

/** Code may look like a link. */
const read = (page: string): string =>
  readFileSync(join(ROOT, page), "utf8").replaceAll(/^```.*?^```|`[^`\n]*`(?!\])/gms, "");

/** As a page of Markdown shows them: of headings, and those that are set. */
function anchorsOf(page: string): string[] {
  const anchors = [...read(page).matchAll(/<a id="([^"]+)">/g)].map(([, id = ""]) => id);
  const headings = readFileSync(join(ROOT, page), "utf8").matchAll(/^#+ (.+)$/gm);
  const slugs = [...headings].map(([, heading = ""]) => slugOf(heading));
  for (const slug of slugs) {
    const same = anchors.filter((anchor) => anchor.replace(/-\d+$/, "") === slug).length;
    anchors.push(same === 0 ? slug : `${slug}-${same}`);
  }
  return anchors;
}

function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, "")
    .replaceAll(/\s/g, "-");
}

it.each(pages)("every link in %s leads somewhere", (page) => {
  const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
  const dead = links
    .filter((link) => !/^https?:/.test(link))
    .filter((link) => {
      const [file = "", anchor] = link.split("#");
      const target = file === "" ? page : join(dirname(page), file);
      return !existsSync(join(ROOT, target)) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
    });
  expect(dead).toEqual([]);
});
