import { createHash } from "node:crypto";

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

export type Kind = "instance" | "project" | "saga" | "vmm" | "migration" | "sled";

/** The ids of one sequence of calls: the same scope gives the same ids again, and another scope gives others. */
export class Names {
  readonly #names = new Map<string, string>();

  constructor(readonly scope: string) {}

  id(kind: Kind, which: number | "unknown"): string {
    const name = `${kind}-${which}`;
    const hex = createHash("sha256").update(`${this.scope}/${name}`).digest("hex");
    const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/, "$1-$2-$3-$4-$5");
    this.#names.set(id, name);
    return id;
  }

  /** Returns the text with the name of each id in its place. */
  named(text: string): string {
    return text.replace(UUID, (id) => this.#names.get(id) ?? id);
  }
}
