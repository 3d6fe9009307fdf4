import { readdirSync, readFileSync } from "node:fs";
import { dirname, posix } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Names that were given up, in file names (without extension) and as folders. */
const OLD_PATHS = [
  "answers catalog migrations demo/cast replay/acts crew scene post acts death caller complaints chance meter world",
  "proof chaos harness blows strikes brawl storm widow victims victim-process works journal tally gates mortal-server",
  "lives census moments rounds serial stored draw slip ground rule faithful trial cast typed facts script",
  "heir when-orphaned held told contestants contestant mark marks floor stage",
  "letter letters odd-ends oddEnds life load internal",
].flatMap((line) => line.split(" "));

/** Where an old word is still the right one, because it names something else there. */
const PATHS_KEPT = [
  // The place of `vmstate/migrate` in dist/ up to 0.1.0, which callers may import by its path.
  /^src\/migrations\/index\.ts$/,
  // The system catalogs of PostgreSQL; given up was a folder of the demo.
  /^test\/schema\/catalog(-options)?\.test\.ts$/,
  /^test\/verification\/fuzz\/catalog\.ts$/,
  /^tools\/generate\/catalog\.ts$/,
  // All rows of the oracle's model of a database; given up was the simulator's name for its ids.
  /^test\/verification\/oracle\/model\/world\.ts$/,
  // Whole lives of an instance, from creation to deletion, which docs/performance.md calls so; given up was a workload of faults.
  /^test\/bench\/(cases|bloat)\/lives\.ts$/,
  /^test\/bench\/results\/lives\.svg$/,
  /^test\/(bench\/growth|sql\/access)\/life\.ts$/,
  // A consumer of the package that TypeScript checks; given up were the statements of the exploration's psql.
  /^test\/package\/consumer\/typed\.ts$/,
];

interface OldNames {
  in: RegExp;
  names: readonly string[];
}

const words = (...lines: string[]): string[] => lines.flatMap((line) => line.split(" "));

/** Identifiers that were given up. English words are old names only where they named what has another name now. */
const OLD_NAMES: readonly OldNames[] = [
  {
    in: /^(src|test|tools)\//,
    names: words(
      "chance Chance Crew goesWrong Complaints complaintsOf oddEnds oddEndsOfMigrations oddEndOf",
      "ChaosSettings Blow blows Strike everyStrike strikeAll strikeOnce Brawl Victim socketVictim processVictim survivor",
      "Errand Journal Tally tally installGates closeGate MortalServer startMortalServer beginAndVanish Census inMoments",
      "storedRows storedViews Slip slips Ground groundIn expectFaithful Unfaithful startHeir whenOrphaned",
      "Contestant Contestants contestant contestants openContestants floorContestant Mark marksText",
      "CreateInstanceAnswer FinishInstanceCreationAnswer ConfigureInstanceAnswer RenameInstanceAnswer BeginStartAnswer",
      "BeginMigrationAnswer RequestStopAnswer RequestRebootAnswer DeleteInstanceAnswer UnwindStartAnswer",
      "UnwindMigrationAnswer DeleteVmmAnswer FailVmmAnswer BeginUpdateAnswer InheritUpdateAnswer RunUpdateAnswer",
      "ExplainUpdateAnswer CommitUpdateAnswer UnlockUpdateAnswer BreakUpdateAnswer PurgeAnswer ReportVmmAnswer",
      "ReportVmmsAnswer AccessAnswer",
    ),
  },
  // OpenTelemetry has a type of this name.
  { in: /^(src\/(?!metrics\/)|test\/|tools\/)/, names: words("Meter") },
  {
    in: /^src\/simulator\/|^test\/simulator\/|^test\/verification\/faults\/lifecycle-workload/,
    names: words(
      "Scene scene Post posted Letter letters acts Caller caller World Life life calm wild stands take judge crew deaths Unexpected",
      "chance meter complaint complaints",
    ),
  },
  {
    in: /^test\/verification\/faults\//,
    names: words(
      "chaos blow strike strikes storm storms victim works errand journal brawl Ring ring Sight sight Move move moves",
      "Gate gate Lives Load LOAD load repertoire Unexpected",
    ),
  },
  { in: /^test\/verification\/oracle\//, names: words("Scene scene census Moment moment Draw draw") },
  { in: /^test\/verification\/fuzz\//, names: words("ground Trial trial trials slip") },
  { in: /^test\/verification\/explore\//, names: words("Facts facts script") },
  { in: /^test\/support\//, names: words("heir Held held") },
  { in: /^tools\/release\//, names: words("told") },
  {
    in: /^test\/bench\//,
    names: words("mark marks Liver livers Timekeeper timekeepers keepers Fate FATES"),
  },
  { in: /^test\/regressions\//, names: words("Stage stage newStage Standing standing story") },
  { in: /^test\/sql\/guards\//, names: words("void_ withFailed") },
  { in: /^test\/sql\/interleavings\//, names: words("Stage stage newStage") },
];

/** The aliases of 0.1.0, and the list above. */
const NAMES_KEPT = ["src/client/deprecated.ts", "test/house.test.ts"];

/** Images that are no part of any identifier of a folder, neither: `journalOfStart` is made of `journal`. */
const OLD_WORDS: readonly OldNames[] = [
  { in: /^src\/simulator\//, names: words("crew scene complaint meter chance") },
  {
    in: /^test\/verification\/faults\//,
    names: words("chaos blow strike brawl storm widow victim errand journal tally mortal"),
  },
  { in: /^test\/verification\/(oracle|fuzz)\//, names: words("census scene slip faithful trial") },
  { in: /^test\/support\//, names: words("heir orphaned") },
  { in: /^test\/bench\//, names: words("contestant") },
];

/** Functions of the database that have other names now. */
const OLD_FUNCTIONS =
  /\b(judge_reports|judge_repeated_reports|numbered_report|numbered_verdict|refused_report|lock_reported|lock_own_migrations|report_sides|is_fresh|is_start|is_migration|reject_\w+|current_plan)\b/g;

const sources = filesIn("src", "test", "tools").filter(
  (file) => /\.(ts|mts|mjs)$/.test(file) && !file.startsWith("test/package/consumer/"),
);

describe("a retired name", () => {
  it("is in no path", () => {
    const files = filesIn("src", "test", "tools", "sql").filter(
      (file) => !PATHS_KEPT.some((kept) => kept.test(file)),
    );
    expect(files.length).toBeGreaterThan(500);
    expect(files.flatMap((file) => oldPartsOf(file).map((part) => `${file}: ${part}`))).toEqual([]);
  });

  it("is kept in a path only where a file still has it", () => {
    const files = filesIn("src", "test", "tools", "sql");
    const unused = PATHS_KEPT.filter(
      (kept) => !files.some((file) => kept.test(file) && oldPartsOf(file).length > 0),
    );
    expect(unused).toEqual([]);
  });

  it("is found in a path", () => {
    expect(oldPartsOf("test/harness/heir.ts")).toEqual(["harness", "heir"]);
    expect(oldPartsOf("src/replay/acts.ts")).toEqual(["acts"]);
  });

  it("is no identifier", () => {
    const found = sources
      .filter((file) => !NAMES_KEPT.includes(file))
      .flatMap((file) => oldNamesIn(file, read(file)).map((name) => `${file}: ${name}`));
    expect(found).toEqual([]);
  });

  it("is found as a part of an identifier", () => {
    expect(oldNamesIn("test/verification/faults/x.ts", "let journalOfStart; let journalist")).toEqual([
      "journalOfStart",
    ]);
  });

  it("is found as an identifier, and not in a text", () => {
    expect(oldNamesIn("src/x.ts", "class C { #chance = `Crew ${tally()}` /* Crew */ }")).toEqual([
      "chance",
      "tally",
    ]);
  });

  it("of a function of the database is in no file of sql/, src/, test/, tools/ or docs/", () => {
    const files = filesIn("sql", "src", "test", "tools", "docs").filter(
      (file) => /\.(sql|ts|mts|mjs|md)$/.test(file) && file !== "test/house.test.ts",
    );
    expect(files.length).toBeGreaterThan(500);
    const found = files.flatMap((file) =>
      [...`${file}\n${read(file)}`.matchAll(OLD_FUNCTIONS)].map(([name]) => `${file}: ${name}`),
    );
    expect([...new Set(found)]).toEqual([]);
  });
});

describe("imports of src/", () => {
  const imports = new Map(
    sources.filter((file) => file.startsWith("src/")).map((file) => [file, importsOf(file, read(file))]),
  );

  it("form no circle of files", () => {
    expect([...imports.values()].flat().length).toBeGreaterThan(200);
    expect(circleIn(imports)).toEqual([]);
  });

  it("form no circle of folders", () => {
    const folders = new Map<string, Set<string>>();
    for (const [file, targets] of imports) {
      const from = folderOf(file);
      const known = folders.get(from) ?? new Set();
      folders.set(from, known);
      for (const target of targets) if (folderOf(target) !== from) known.add(folderOf(target));
    }
    expect(folders.size).toBeGreaterThan(7);
    expect(circleIn(new Map([...folders].map(([folder, targets]) => [folder, [...targets]])))).toEqual([]);
  });

  it("circleIn finds a circle", () => {
    const circle = new Map([
      ["a", ["b"]],
      ["b", ["c"]],
      ["c", ["b"]],
    ]);
    expect(circleIn(circle)).toEqual(["b", "c", "b"]);
  });
});

function filesIn(...folders: string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(`${ROOT}${folder}`, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => posix.join(entry.parentPath.slice(ROOT.length), entry.name)),
  );
}

function read(file: string): string {
  return readFileSync(`${ROOT}${file}`, "utf8");
}

function oldPartsOf(file: string): string[] {
  const parts = file.split("/").map((part) => part.replace(/\..*$/, ""));
  return parts.filter((part) => OLD_PATHS.includes(part));
}

function oldNamesIn(file: string, text: string): string[] {
  const namesOf = (lists: readonly OldNames[]): Set<string> =>
    new Set(lists.filter((one) => one.in.test(file)).flatMap(({ names }) => names));
  const [old, oldWords] = [namesOf(OLD_NAMES), namesOf(OLD_WORDS)];
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) {
      const name = node.text.replace(/^#/, "");
      if (old.has(name) || wordsOf(name).some((word) => oldWords.has(word))) found.add(name);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest));
  return [...found].sort();
}

/** The words of an identifier in camel case or capitals: `journalOfStart` has three. */
function wordsOf(name: string): string[] {
  return name.split(/(?<=[a-z0-9])(?=[A-Z])|_/).map((word) => word.toLowerCase());
}

/** The files that a file imports, statically, dynamically or for types alone. */
function importsOf(file: string, text: string): string[] {
  return ts
    .preProcessFile(text, true, true)
    .importedFiles.map(({ fileName }) => fileName)
    .filter((name) => name.startsWith("."))
    .map((name) => posix.join(dirname(file), name).replace(/\.js$/, ".ts"));
}

/** Below src/: the first folder; of a file right there, the file. */
function folderOf(file: string): string {
  return file.split("/")[1] ?? file;
}

/** The first circle, from one of its members to itself; empty when there is none. */
function circleIn(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const walk = (at: string, path: readonly string[]): string[] => {
    const before = path.indexOf(at);
    if (before >= 0) return [...path.slice(before), at];
    if (done.has(at)) return [];
    for (const next of graph.get(at) ?? []) {
      const circle = walk(next, [...path, at]);
      if (circle.length > 0) return circle;
    }
    done.add(at);
    return [];
  };
  for (const start of graph.keys()) {
    const circle = walk(start, []);
    if (circle.length > 0) return circle;
  }
  return [];
}
