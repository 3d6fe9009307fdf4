import { readFileSync } from "node:fs";
import { Command } from "commander";
import { expect, it } from "vitest";
import { ioOf } from "../../src/terminal/io.js";
import { runCli } from "./run-cli.js";

const COMMANDS = [
  "migrate",
  "status",
  "list",
  "show",
  "explain",
  "verify",
  "doctor",
  "purge",
  "demo",
  "replay",
];
const SUBCOMMANDS = ["migrate status", "migrate plan", "migrate export", "replay remove"];
/** Commands that ignore DATABASE_URL: `replay` and `replay remove` write to the database, `migrate export` needs none. */
const WITHOUT_ENVIRONMENT = ["replay", "replay remove", "migrate export"];

it("--help lists every command, in 80 columns, and succeeds", async () => {
  const { code, stdout, stderr } = await runCli("--help");
  expect(code).toBe(0);
  expect(stderr).toBe("");
  for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command} .*\\w`, "m"));
  expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
});

it.each([...COMMANDS, ...SUBCOMMANDS])("%s --help says in 80 columns what it takes", async (command) => {
  const { code, stdout, stderr } = await runCli(...command.split(" "), "--help");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(`Usage: vmstate ${command} `);
  expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  expect(/\(env:\s+DATABASE_URL\)/.test(stdout)).toBe(!WITHOUT_ENVIRONMENT.includes(command));
});

it("--version prints the version of the package", async () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  expect(await runCli("--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});

it("no command is a usage error: prints the help on stderr", async () => {
  const { code, stdout, stderr } = await runCli();
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/^Usage: vmstate/);
});

it.each([
  [["statsu"], "unknown command 'statsu' (Did you mean status?); see vmstate --help"],
  [["--jsno"], "unknown option '--jsno'; see vmstate --help"],
  [["status", "--jsno"], "unknown option '--jsno' (Did you mean --json?); see vmstate status --help"],
  [
    ["status", "extra"],
    "too many arguments for 'status'. Expected 0 arguments but got 1; see vmstate status --help",
  ],
  [["show"], "missing required argument 'instance'; see vmstate show --help"],
  [
    ["show", "not-a-uuid"],
    "command-argument value 'not-a-uuid' is invalid for argument 'instance'. Expected a UUID; see vmstate show --help",
  ],
  [
    ["status", "--watch", "--json"],
    "option '--watch' cannot be used with option '--json'; see vmstate status --help",
  ],
  [
    ["list", "--after", "web"],
    "option '--after <project/name>' argument 'web' is invalid. Expected the id of a project, a slash and a name; see vmstate list --help",
  ],
  [
    ["list", "--limit", "0"],
    "option '--limit <n>' argument '0' is invalid. Expected a whole number from 1 to 10000; see vmstate list --help",
  ],
  [
    ["status", "--interval", "0"],
    "option '--interval <seconds>' argument '0' is invalid. Expected a number of seconds, at least 0.1; see vmstate status --help",
  ],
  [
    ["replay", "remove", "x", "--database-url", "postgres://"],
    "command-argument value 'x' is invalid for argument 'run'. Expected 8 hexadecimal digits, as the replay printed them; see vmstate replay remove --help",
  ],
  [["verify", "--database-url"], "option '--database-url <url>' argument missing; see vmstate verify --help"],
])("%j is a usage error in one line", async (args, line) => {
  expect(await runCli(...args)).toEqual({ code: 2, stdout: "", stderr: `vmstate: ${line}\n` });
});

it("a command that runs outside of the program throws, because it has no streams", () => {
  expect(() => ioOf(new Command("alone"))).toThrow("alone");
});
