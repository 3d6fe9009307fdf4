/** The types of PostgreSQL that clients read differently. */
export interface ClientTypes {
  bigint: unknown;
  interval: unknown;
  timestamptz: unknown;
}

/** The types that `pg` reads, unless the application configures others. */
export interface PgTypes extends ClientTypes {
  bigint: string;
  interval: PgInterval;
  timestamptz: Date;
}

/** What `postgres` makes of them, unless it is told otherwise. */
export interface PostgresTypes extends ClientTypes {
  bigint: string;
  interval: string;
  timestamptz: Date;
}

/** An interval as `pg` reads it: parts that are zero are left out. */
export interface PgInterval {
  years?: number;
  months?: number;
  days?: number;
  hours?: number;
  minutes?: number;
  seconds?: number;
  milliseconds?: number;
}

/** A type that no value has, so that no INSERT compiles. A column of type `never` could be left out of an INSERT. */
export interface OnlyFunctionsWrite {
  "only the functions of vmstate write its tables": never;
}

/** Columns as Kysely's `ColumnType` has them, which nobody may insert or update. */
export type ReadOnly<Row> = {
  readonly [Column in keyof Row]: {
    readonly __select__: Row[Column];
    readonly __insert__: OnlyFunctionsWrite;
    readonly __update__: never;
  };
};
