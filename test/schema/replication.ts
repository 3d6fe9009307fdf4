import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import { startEmbedded } from "../../src/embedded/start.js";
import { copyDatabase, type TestDatabase } from "../support/copy.js";
import { until } from "../support/until.js";
import { systemBin } from "../support/system-programs.js";

const SETTINGS = { wal_level: "logical", wal_retrieve_retry_interval: "100ms" };

/** A server that replicates, of the same version as that of the run. */
export class ReplicatingServer implements AsyncDisposable {
  private constructor(
    private readonly url: string,
    private readonly stop: () => Promise<void>,
  ) {}

  static async start(): Promise<ReplicatingServer> {
    const bin = inject("serverKind") === "system" ? systemBin(["initdb", "postgres"]) : undefined;
    const { url, stop } = await startEmbedded({ settings: SETTINGS, ...(bin !== undefined && { bin }) });
    return new ReplicatingServer(url, stop);
  }

  /** Two empty databases. */
  async createPair(): Promise<Pair> {
    const create = (): Promise<TestDatabase> => {
      const name = `vmstate_test_${randomBytes(6).toString("hex")}`;
      return copyDatabase({ serverUrl: this.url, name, template: "template0" });
    };
    return new Pair(await create(), await create());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** A publisher, and a subscriber to it. */
export class Pair implements AsyncDisposable {
  readonly #name = `vmstate_${randomBytes(6).toString("hex")}`;

  constructor(
    readonly publisher: TestDatabase,
    readonly subscriber: TestDatabase,
  ) {}

  /** Starts with the rows that are there. In one cluster CREATE SUBSCRIPTION would wait for itself to make the slot. */
  async subscribe(createPublication: string): Promise<void> {
    const { publisher, subscriber } = this;
    await publisher.sql.unsafe(createPublication);
    await publisher.sql`select pg_create_logical_replication_slot(${this.#name}, 'pgoutput')`;
    await subscriber.sql.unsafe(
      `create subscription ${this.#name} connection '${conninfo(publisher.url)}' publication vmstate
        with (create_slot = false, slot_name = '${this.#name}')`,
    );
    await until("all tables are copied", async () => {
      const tables = await subscriber.sql<{ isReady: boolean }[]>`
        select srsubstate = 'r' as "isReady" from pg_subscription_rel`;
      return tables.length > 0 && tables.every(({ isReady }) => isReady);
    });
    await this.caughtUp();
  }

  /** Resolves when the subscriber has all that is committed on the publisher. */
  async caughtUp(): Promise<void> {
    const { sql } = this.publisher;
    // A commit that is waited for puts all before it on the disk, from where it is sent.
    await sql.begin(async (transaction) => {
      await transaction`set local synchronous_commit = on`;
      await transaction`select pg_logical_emit_message(true, 'test', 'caught up')`;
    });
    const [{ lsn }] = await sql<[{ lsn: string }]>`select pg_current_wal_flush_lsn()::text as lsn`;
    await until("the subscriber has caught up", async () => {
      const slots = await sql`
        select from pg_replication_slots
        where slot_name = ${this.#name} and confirmed_flush_lsn >= ${lsn}::text::pg_lsn`;
      return slots.length === 1;
    });
  }

  /** Resolves once the subscriber could not apply something. */
  async failed(): Promise<void> {
    await until("the subscriber fails to apply", async () => {
      const failures = await this.subscriber.sql`
        select from pg_stat_subscription_stats where subname = ${this.#name} and apply_error_count > 0`;
      return failures.length === 1;
    });
  }

  async unsubscribe(): Promise<void> {
    const { sql } = this.subscriber;
    const subscriptions = await sql`select from pg_subscription where subname = ${this.#name}`;
    if (subscriptions.length > 0) await sql.unsafe(`drop subscription ${this.#name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unsubscribe();
    await Promise.all([this.publisher.drop(), this.subscriber.drop()]);
  }
}

function conninfo(databaseUrl: string): string {
  const { hostname, port, username, password, pathname } = new URL(databaseUrl);
  return `host=${hostname} port=${port} user=${username} password=${password} dbname=${pathname.slice(1)}`;
}
