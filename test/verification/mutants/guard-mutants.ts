import { detectedBy } from "./detected-by.js";
import type { Mutant } from "./mutants.js";

/** Compares each guard with the same guard without its shortcut. */
const SHORTCUTS = "sql/shortcuts/guards.test.ts";
const REFUSED = "sql/guards/refused.test.ts";

const UNLINKS =
  "num_nonnulls(NEW.active_propolis_id, OLD.destination_propolis_id, NEW.destination_propolis_id, OLD.migration_id, NEW.migration_id) = 0";
const STARTS =
  "num_nonnulls(OLD.active_propolis_id, OLD.destination_propolis_id, NEW.destination_propolis_id, OLD.migration_id, NEW.migration_id) = 0";

/** Without one of the columns that have to be NULL, or two that are NULL together. */
const without = (condition: string, ...columns: readonly string[]): readonly [string, string] => [
  condition,
  columns.reduce((text, column) => text.replace(`${column}, `, "").replace(`, ${column}`, ""), condition),
];

const LINKS: readonly Mutant[] = detectedBy(SHORTCUTS, "guards/guard_instance_links", {
  "guard_links accepts that another VMM takes the place of a dead one": without(
    UNLINKS,
    "NEW.active_propolis_id",
  ),
  "guard_links accepts that a migration is unlinked with a dead VMM": without(
    UNLINKS,
    "OLD.destination_propolis_id",
    "OLD.migration_id",
  ),
  "guard_links accepts that a live VMM is unlinked": [" AND vmstate.is_absorbing(v.state)", ""],
  "guard_links accepts that a live VMM is replaced": without(STARTS, "OLD.active_propolis_id"),
  "guard_links accepts a migration in the write of a start": without(
    STARTS,
    "NEW.destination_propolis_id",
    "NEW.migration_id",
  ),
  "guard_links accepts a start of an instance that is in creation": [
    "\n      AND OLD.state <> 'creating' THEN",
    " THEN",
  ],
  "guard_links accepts that a linked VMM is linked": [" AND v.time_unlinked IS NOT NULL", ""],
  "guard_links accepts that the destination of a purged migration is linked": [
    " AND v.migration_id IS NULL",
    "",
  ],
  "guard_links accepts that the destination of a migration is linked": [
    "m.instance_id = OLD.id AND m.destination_propolis_id = NEW.active_propolis_id",
    "false",
  ],
});

const STATES: readonly Mutant[] = [
  ...detectedBy(SHORTCUTS, "guards/guard_instance_state", {
    "guard_state accepts that an instance becomes creating": [" AND NEW.state <> 'creating'", ""],
  }),
  ...detectedBy(SHORTCUTS, "guards/guard_updater", {
    "guard_updater accepts a commit with an old fencing token": [
      "NEW.updater_generation > OLD.updater_generation AND",
      "NEW.updater_generation >= OLD.updater_generation AND",
    ],
    "guard_updater accepts a commit that keeps the lock": [
      " AND NEW.updater_id IS NULL\n      AND NEW.committed",
      "\n      AND NEW.committed",
    ],
    "guard_updater accepts the commit of another fencing token": [
      "\n      AND NEW.committed_updater_generation = NEW.updater_generation THEN",
      " THEN",
    ],
  }),
];

const NEWER = "NEW.state_generation > OLD.state_generation AND";
const DEAD = "OLD.state NOT IN ('failed', 'destroyed', 'saga_unwound')";

const VMMS: readonly Mutant[] = [
  ...detectedBy("sql/failure-reason.test.ts", "guards/guard_vmm_state", {
    "guard_state on vmm accepts a failure without a reason": [
      " AND (NEW.state = 'failed') = (NEW.failure_reason IS NOT NULL)) THEN",
      ") THEN",
    ],
    "guard_state on vmm passes another failure_reason over": [
      "NEW.state <> OLD.state OR NEW.failure_reason IS DISTINCT FROM OLD.failure_reason",
      "NEW.state <> OLD.state",
    ],
  }),
  ...detectedBy(REFUSED, "guards/guard_vmm_state", {
    "guard_state on vmm accepts a change without a newer generation": [NEWER, NEWER.replace(">", ">=")],
    "guard_state on vmm accepts that a VMM becomes creating": [
      "NOT IN ('creating', 'saga_unwound')",
      "<> 'saga_unwound'",
    ],
    "guard_state on vmm accepts that a guest's VMM is unwound": [
      "NOT IN ('creating', 'saga_unwound')",
      "<> 'creating'",
    ],
    "guard_state on vmm accepts a change of a failed VMM": [DEAD, DEAD.replace("'failed', ", "")],
    "guard_state on vmm accepts a change of a destroyed VMM": [DEAD, DEAD.replace("'destroyed', ", "")],
    "guard_state on vmm accepts a change of an unwound VMM": [DEAD, DEAD.replace(", 'saga_unwound'", "")],
    "guard_generation passes an equal generation over": [
      "WHEN (NEW.state_generation <= OLD.state_generation)",
      "WHEN (NEW.state_generation < OLD.state_generation)",
    ],
    "guard_generation passes a lower generation over": [
      "WHEN (NEW.state_generation <= OLD.state_generation)",
      "WHEN (NEW.state_generation = OLD.state_generation)",
    ],
    "guard_state on vmm passes another state over": [
      "NEW.state <> OLD.state OR NEW.failure_reason",
      "NEW.failure_reason",
    ],
  }),
];

const MARKS: readonly Mutant[] = detectedBy("sql/guards/mark_links.test.ts", "guards/mark_links", {
  "mark_links takes a start for the end of a link": [
    "num_nonnulls(NEW.active_propolis_id, OLD.destination_propolis_id, NEW.destination_propolis_id)",
    "num_nonnulls(OLD.destination_propolis_id, NEW.destination_propolis_id)",
  ],
  "mark_links leaves the destination of a migration that ends with its source": [
    "num_nonnulls(NEW.active_propolis_id, OLD.destination_propolis_id, NEW.destination_propolis_id)",
    "num_nonnulls(NEW.active_propolis_id, NEW.destination_propolis_id)",
  ],
});

/** Ways in which a guard accepts too much at once. */
export const GUARD_MUTANTS: readonly Mutant[] = [...LINKS, ...STATES, ...VMMS, ...MARKS];
