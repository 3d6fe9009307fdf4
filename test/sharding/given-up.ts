/** A case of the SQL suite that does not hold where the tables are partitioned by the instance id. */
export interface GivenUp {
  file: string;
  /** The title of the test, without those around it. */
  test: string;
  because: string;
  /** Why the case is not run, so that nothing tells when it holds after all. */
  notRun?: string;
}

const IDS =
  "no key without the instance id can be unique: an id is a UUID, which nobody makes twice, and each instance has its own";
const NAMES =
  "a name is unique in its project, whose instances are in many partitions: a sharded layout claims names in a table of its own";
const MOVES =
  "a row that gets another instance id moves to another partition: PostgreSQL deletes and inserts it, and guard_delete or guard_insert refuses that";

const WAITS = "the second session would wait for a unique key that is not there";
const RANDOM = "random ids may be in one partition, and then the case holds";

const named = (file: string, because: string, tests: string[], notRun?: string): GivenUp[] =>
  tests.map((test) => ({ file, test, because, ...(notRun === undefined ? {} : { notRun }) }));

export const GIVEN_UP: readonly GivenUp[] = [
  ...named("test/sql/verbs/begin_start.test.ts", IDS, [
    "propolis_id_taken: the id is that of another instance's VMM",
  ]),
  ...named("test/sql/verbs/begin_migration.test.ts", IDS, [
    "propolis_id_taken: the id is that of another instance's VMM",
    "migration_id_taken: the id is that of another instance's migration; no VMM is inserted",
  ]),
  ...named("test/sql/interleavings/isolation.test.ts", IDS, ["the VMM id: begin_start"]),
  ...named(
    "test/sql/interleavings/begin_start.test.ts",
    IDS,
    [
      "a begin_start of another instance with the same VMM id waits for the commit, then is propolis_id_taken",
      "a begin_start of another instance with the same VMM id applies if the first one is rolled back",
    ],
    WAITS,
  ),
  ...named(
    "test/sql/interleavings/begin_migration.test.ts",
    IDS,
    [
      "a begin_migration of another instance with the same migration id is migration_id_taken, and inserts no VMM",
      "a begin_migration of another instance with the same VMM id is propolis_id_taken",
    ],
    WAITS,
  ),
  ...named("test/sql/verbs/create_instance.test.ts", NAMES, [
    "name_taken: another instance of the project has the name",
  ]),
  ...named("test/sql/verbs/rename_instance.test.ts", NAMES, [
    "frees the old name for another instance of the project",
  ]),
  ...named("test/sql/interleavings/isolation.test.ts", NAMES, ["the name: create_instance"]),
  ...named(
    "test/sql/interleavings/create_instance.test.ts",
    NAMES,
    [
      "another create_instance waits for the commit: the same name in the project is name_taken",
      "another create_instance gets the name if the first one is rolled back",
    ],
    WAITS,
  ),
  ...named(
    "test/sql/interleavings/rename_instance.test.ts",
    NAMES,
    [
      "another instance's rename to the name waits for the commit, then is name_taken",
      "another instance's rename to the name applies if the first one is rolled back",
      "create_instance with the name waits for the commit, then is name_taken",
      "rename_instance waits for create_instance with the name, then is name_taken",
    ],
    WAITS,
  ),
  ...named(
    "test/sql/guards/refused.test.ts",
    MOVES,
    [
      "guard_identity on instance refuses as VM103: another id",
      "GUARD_identity on vmm refuses as VM103: another instance",
    ],
    RANDOM,
  ),
];
