import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/**
 * Replaces dist/index.js by one file that has all wrappers in it: Node takes several times as long to read and link one
 * file for each.
 *
 * The classes of errors stay in their own files, which the other entries import as well, so that `instanceof` holds across
 * entries.
 *
 * @param {string} dist
 */
export async function bundleEntry(dist) {
  const entry = join(dist, "index.js");
  await build({
    stdin: { contents: readFileSync(entry, "utf8"), resolveDir: dist, sourcefile: "index.js" },
    outfile: entry,
    allowOverwrite: true,
    bundle: true,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    logLevel: "error",
    plugins: [{ name: "shared errors", setup: (bundler) => leaveErrorsOut(bundler, dist) }],
  });
}

/**
 * Makes the bundler import the files of `errors/` instead of copying them.
 *
 * @param {import("esbuild").PluginBuild} bundler
 * @param {string} dist
 */
function leaveErrorsOut(bundler, dist) {
  bundler.onResolve({ filter: /\/errors\/[\w-]+\.js$/ }, ({ path, importer }) => {
    const from = importer === "" || importer === "index.js" ? dist : dirname(importer);
    return { path: `./${relative(dist, join(from, path))}`, external: true };
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await bundleEntry(fileURLToPath(new URL("../../dist", import.meta.url)));
