import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  apiInstance,
  configureInstance,
  ConnectionError,
  createInstance,
  DeadlockError,
  fromPrisma,
  grantAccess,
  InvalidArgumentError,
  isRetryable,
  LockTimeoutError,
  type PrismaClient,
  SerializationError,
  vmstate,
} from "../../src/index.js";
import { createDatabase, type TestDatabase } from "../support/database.js";
import { installPrisma, type Prisma } from "../support/prisma.js";
import { until } from "../support/until.js";
import { comparable, runLifecycle } from "./lifecycle.js";

const connect = await installPrisma();
const title = connect === undefined ? "through Prisma, which npm could not install" : "through Prisma";
const role = `vmstate_test_prisma_${process.pid}`;

/** What makes a transaction end without a commit. */
class RolledBack extends Error {}

describe.skipIf(connect === undefined)(title, () => {
  let db: TestDatabase;
  let prisma: Prisma;
  let expected: unknown;
  beforeAll(async () => {
    db = await createDatabase();
    await db.sql`create role ${db.sql(role)}`;
    await grantAccess(db.sql, { role, kind: "reader" });
    expected = comparable(await runLifecycle(vmstate(db.sql), role));
    if (connect !== undefined) prisma = connect(db.url);
  });
  afterAll(async () => {
    await prisma.$disconnect();
    await db.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
    await db.drop();
  });

  const create = async (client: PrismaClient, instanceId = randomUUID()): Promise<string> => {
    const instance = { instanceId, projectId: instanceId, name: "web", intendedState: "running" } as const;
    expect(await createInstance(fromPrisma(client), instance)).toMatchObject({ outcome: "applied" });
    return instanceId;
  };

  it("every function answers as through postgres", async () => {
    expect(comparable(await runLifecycle(vmstate(fromPrisma(prisma)), role))).toEqual(expected);
  });

  it("every function answers as through postgres in a transaction of Prisma, which commits", async () => {
    const answers = await prisma.$transaction((tx) => runLifecycle(vmstate(fromPrisma(tx)), role), {
      timeout: 60_000,
    });
    expect(comparable(answers)).toEqual(expected);
  });

  it("what a committed transaction wrote is there, and what a rolled back one wrote is not", async () => {
    const kept = await prisma.$transaction((tx) => create(tx));
    const lost = randomUUID();
    const rolledBack = prisma.$transaction(async (tx) => {
      await create(tx, lost);
      throw new RolledBack();
    });
    await expect(rolledBack).rejects.toThrow(RolledBack);
    expect(await apiInstance(db.sql, { instanceId: kept })).toMatchObject({ id: kept });
    expect(await apiInstance(db.sql, { instanceId: lost })).toBeUndefined();
  });

  it("a refused argument is an InvalidArgumentError with the words of the database", async () => {
    const wrong = {
      instanceId: randomUUID(),
      projectId: randomUUID(),
      name: "",
      intendedState: "running",
    } as const;
    const refused = createInstance(fromPrisma(prisma), wrong);
    await expect(refused).rejects.toThrow(InvalidArgumentError);
    await expect(refused).rejects.toMatchObject({
      verb: "createInstance",
      argument: "name",
      sqlState: "VM001",
      detail: expect.any(String) as string,
      hint: expect.any(String) as string,
      cause: { name: "PrismaClientKnownRequestError", code: "P2010" },
    });
    const noUuid = createInstance(fromPrisma(prisma), { ...wrong, name: "web", projectId: "no uuid" });
    await expect(noUuid).rejects.toMatchObject({ name: "InvalidArgumentError", sqlState: "22P02" });
  });

  it.each([
    ["40001", SerializationError, true],
    ["40P01", DeadlockError, true],
    ["55P03", LockTimeoutError, true],
  ])("SQLSTATE %s has its class, and is retryable", async (code, kind, retryable) => {
    const instanceId = await create(prisma);
    await db.sql.unsafe(`
      create or replace function public.refuse() returns trigger language plpgsql as $$ begin
        raise exception using errcode = '${code}', message = 'planted'; end $$;
      create or replace trigger refuse before update on vmstate.instance
        for each row execute function public.refuse()`);
    const configure = { instanceId, autoRestartPolicy: "never" } as const;
    const error: unknown = await configureInstance(fromPrisma(prisma), configure).catch(
      (error: unknown) => error,
    );
    await db.sql`drop trigger refuse on vmstate.instance`;
    expect(error).toBeInstanceOf(kind);
    expect(error).toMatchObject({ message: "planted", sqlState: code });
    expect(isRetryable(error)).toBe(retryable);
    expect(isRetryable((error as Error).cause)).toBe(retryable);
  });

  it("a connection that is refused, or that an administrator ends, is a ConnectionError", async () => {
    const nobody = connect?.("postgres://nobody@127.0.0.1:1/none") ?? prisma;
    const refused: unknown = await create(nobody).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ConnectionError);
    expect(refused).toMatchObject({ sqlState: "08006", code: "ECONNREFUSED" });
    expect(isRetryable(refused)).toBe(true);
    const instanceId = await create(prisma);
    await db.sql.begin(async (tx) => {
      await tx`select from vmstate.instance where id = ${instanceId} for update`;
      const ended = configureInstance(fromPrisma(prisma), { instanceId, autoRestartPolicy: "never" });
      const error = ended.catch((error: unknown) => error);
      await until("the call waits for the lock, and is ended", async () => {
        const waiting = await db.sql`
          select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and wait_event_type = 'Lock'`;
        return waiting.length > 0;
      });
      expect(await error).toMatchObject({ name: "ConnectionError", code: "57P01" });
    });
    await nobody.$disconnect();
  });
});
