/** What the parent asks of its supervisor: one JSON argument. All paths are absolute. */
export interface SupervisorRequest {
  /** Directory of the programs `initdb` and `postgres`. */
  bin: string;
  /** `bin` is part of a relocatable tree (`bin/../lib`, `bin/../share`) that may be copied and repaired. */
  relocatable: boolean;
  /** Server settings, over the defaults. */
  settings: Record<string, string>;
  /** Where to make the server's private directory, instead of a place of the supervisor's choice. */
  dir?: string;
}

/** What the supervisor answers: one line of JSON on its standard output. */
export type SupervisorAnswer = { url: string; version: string } | { error: string; detail: string };
