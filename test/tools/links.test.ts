import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { npm } from "../package/commands.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const pages = [
  "README.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => join("docs", file)),
];

/** Code may look like a link. */
const read = (page: string): string =>
  readFileSync(join(ROOT, page), "utf8").replaceAll(/^```.*?^```|`[^`\n]*`(?!\])/gms, "");

/** Lists the anchors of a page: of its headings, and those that the page sets itself. */
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

interface Link {
  link: string;
  /** The path of the file, relative to the root. */
  target: string;
  anchor: string | undefined;
}

/** Links to files of this repository, pictures included. */
function linksOf(page: string): Link[] {
  const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
  return links
    .filter((link) => !/^https?:/.test(link))
    .map((link) => {
      const [file = "", anchor] = link.split("#");
      return { link, target: file === "" ? page : join(dirname(page), file), anchor };
    });
}

it.each(pages)("every link in %s has a target", (page) => {
  const dead = linksOf(page).filter(
    ({ target, anchor }) =>
      !existsSync(join(ROOT, target)) || (anchor !== undefined && !anchorsOf(target).includes(anchor)),
  );
  expect(dead.map(({ link }) => link)).toEqual([]);
});

describe("npm publishes", () => {
  let shipped: string[];
  beforeAll(async () => {
    const [{ files }] = JSON.parse(await npm(ROOT, "pack", "--dry-run", "--json", "--ignore-scripts")) as [
      { files: { path: string }[] },
    ];
    shipped = files.map(({ path }) => path);
  });

  it.each(pages)("%s, and every file or folder that it links to", (page) => {
    const isShipped = (target: string): boolean =>
      shipped.some((path) => path === target || path.startsWith(`${target}/`));
    expect(isShipped(page)).toBe(true);
    const missing = linksOf(page).filter(({ target }) => !isShipped(target));
    expect(missing.map(({ link }) => link)).toEqual([]);
  });
});
