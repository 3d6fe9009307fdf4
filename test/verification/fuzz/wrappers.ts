import { inspect } from "node:util";
import fc from "fast-check";
import type postgres from "postgres";
import { vmstate, type SqlClient } from "../../../src/index.js";
import { camelCase, snakeCase } from "../../support/verbs.js";
import { sizeOf, type Argument, type Catalog } from "./catalog.js";
import { butSome, choice } from "./choice.js";
import { expectRoundTrip } from "./round-trip.js";
import { clients, type Act, type ClientName } from "./rollback-database.js";
import { jsSupply } from "./js-values.js";
import type { Subject } from "./population.js";
import { ThrownAtOnce, type Target } from "./call-case.js";
import { unknownKeyIn } from "./unknown-keys.js";

type Given = Readonly<Record<string, unknown>>;

const READABLE = { depth: 6, maxStringLength: 80, maxArrayLength: 10, compact: true, breakLength: Infinity };
const clientNames = Object.keys(clients) as ClientName[];

const instanceId = { name: "instanceId", type: "pg_catalog.uuid", optional: false };
const projectId = { name: "projectId", type: "pg_catalog.uuid", optional: false };
const sledId = { name: "sledId", type: "pg_catalog.uuid", optional: false };
const migrationId = { name: "migrationId", type: "pg_catalog.uuid", optional: false };
const state = { name: "state", type: "vmstate.api_instance_state", optional: true };
const afterName = { name: "after", type: "pg_catalog.text", optional: true };
const afterId = { name: "after", type: "pg_catalog.uuid", optional: true };
const afterNumber = { name: "after", type: "pg_catalog.int8", optional: true };
const since = { name: "since", type: "pg_catalog.timestamptz", optional: true };
const limit = { name: "limit", type: "pg_catalog.int8", optional: true };

/** What the functions that read views take; all the others take a limit. */
const ofViews: Readonly<Record<string, Argument[]>> = {
  apiInstance: [instanceId],
  apiInstances: [projectId, state, afterName, limit],
  instanceDetail: [instanceId],
  instanceDetails: [projectId, state, afterName, limit],
  sledVmms: [sledId, afterId, limit],
  apiMigration: [migrationId, { ...instanceId, optional: true }],
  apiMigrations: [instanceId, afterId, limit],
  apiVmms: [instanceId],
  instanceHistory: [instanceId, afterNumber, limit],
  vmmHistory: [instanceId, afterNumber, limit],
  migrationHistory: [instanceId, afterNumber, limit],
  invariantViolations: [since, limit],
};

/** Takes nothing that could be wrong. */
const WITHOUT_ARGUMENTS = "historyExtent";

/** Every function of the package that calls the database. */
export function wrapperTargets(catalog: Catalog, subjects: readonly Subject[]): Target[] {
  const nobody = {} as SqlClient;
  const names = Object.keys(vmstate(nobody)).filter((name) => name !== WITHOUT_ARGUMENTS);
  return names.map((name) => {
    const routine = catalog.routines.find((known) => known.name === snakeCase(name));
    const slots = routine?.arguments.map(asWrapperArgument) ?? ofViews[name] ?? [limit];
    const given = choice(subjects, slots, jsSupply(catalog, subjects), butSome(slots));
    return {
      kind: "wrapper",
      name,
      size: sizeOf(slots),
      accepts: true,
      cases: fc.tuple(given, fc.constantFrom(...clientNames), extra).map(([given, client, extra]) => {
        const known = Object.fromEntries([...given].map(([slot, value]) => [slot.name, value]));
        const named = name === "reportVmm" ? { ...known, ...extra } : known;
        return {
          title: () => `${name}(${inspect(argumentOf(name, named), READABLE)}) of a client that is ${client}`,
          client,
          act: actOf(name, named),
          ...(routine && { verb: routine }),
          writes: routine !== undefined && name !== "explainUpdate",
          mayFailWith: (code) => isRefusedByDriver(code, slots, named),
          mayBeUnsent: () => isMalformed(name, slots, named),
        };
      }),
    };
  });
}

/** Rarely, a key that no report has, with a value or without. */
const extra = fc.oneof(
  { weight: 12, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ extra: 1 }, { extra: null }, { propolis_id: "" }, { State: "running" }),
  },
);

/** What a wrapper refuses before it sends anything: what is missing, is not what the slot takes, or is unknown. */
function isMalformed(name: string, slots: readonly Argument[], given: Given): boolean {
  const isWrong = ({ name, type, optional }: Argument): boolean => {
    const value = given[name];
    if (value === undefined) return !optional;
    if (value === null) return false;
    return type === "pg_catalog.uuid" ? typeof value !== "string" : typeof value === "object";
  };
  return slots.some(isWrong) || hasUnknownKey(name, given) || hasMalformedReport(name, given);
}

function hasMalformedReport(name: string, { reports }: Given): boolean {
  if (name !== "reportVmms" || !Array.isArray(reports)) return false;
  const required = ["instanceId", "propolisId", "state", "generation", "time"];
  return reports.some(
    (report: unknown) =>
      typeof report === "object" &&
      report !== null &&
      (required.some((key) => (report as Given)[key] === undefined) ||
        Object.entries(report).some(
          ([key, value]) => key.endsWith("Id") && value !== null && typeof value !== "string",
        ) ||
        Object.values(report).some((value) => typeof value === "object" && value !== null)),
  );
}

function hasUnknownKey(name: string, given: Given): boolean {
  return unknownKeyIn(name === "reportVmm" ? given : given["reports"], "camel") !== undefined;
}

function asWrapperArgument(slot: Argument): Argument {
  return { ...slot, name: camelCase(slot.name.replace(/^p_/, "")) };
}

function argumentOf(name: string, given: Given): unknown {
  return name === "reportVmms" ? given["reports"] : given;
}

function actOf(name: string, given: Given): Act {
  return async (sql) => {
    const answer = await started(sql, name, given);
    await expectRoundTrip(sql, name, given, answer);
    return answer;
  };
}

/** The promise that the function must return, whatever it is given. */
function started(sql: postgres.ISql, name: string, given: Given): Promise<unknown> {
  const call = Object.entries(vmstate(sql)).find(([known]) => known === name)?.[1] as (
    a: unknown,
  ) => Promise<unknown>;
  try {
    return call(argumentOf(name, given));
  } catch (error) {
    throw new ThrownAtOnce(String(error), { cause: error });
  }
}

/**
 * The driver sends nothing when a required value is missing or an object has no text, and has the server say that no such
 * function exists when a value is of a type that it declares by itself. The compiler stops all of that.
 */
function isRefusedByDriver(code: string, slots: readonly Argument[], given: Given): boolean {
  const values = Object.values(given);
  if (code === "UNDEFINED_VALUE")
    return slots.some((slot) => !slot.optional && given[slot.name] === undefined);
  if (code === "TypeError") return values.some(hasNoText);
  if (code === "ERR_INVALID_ARG_TYPE")
    return slots.some(({ name, type }) => type.startsWith("pg_catalog._") && !isList(given[name]));
  return (code === "42883" || code === "42804") && values.some(isDeclared);
}

function isList(value: unknown): boolean {
  return Array.isArray(value) && value.every((element) => typeof element === "string");
}

/** `{ "toString": null }` is JSON, too. */
function hasNoText(value: unknown): boolean {
  try {
    String(value);
    return false;
  } catch {
    return true;
  }
}

function isDeclared(value: unknown): boolean {
  if (Array.isArray(value)) return isDeclared(value[0]);
  return (
    value instanceof Date ||
    value instanceof Uint8Array ||
    typeof value === "boolean" ||
    typeof value === "bigint"
  );
}
