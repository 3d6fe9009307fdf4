import { randomUUID } from "node:crypto";

/** Who plays: short names for fresh ids, so that a story can be told. */
export class Cast {
  private readonly ids = new Map<string, string>();
  private readonly names = new Map<string, string>();

  /** The id of this name; a fresh one the first time. */
  id(name: string): string {
    const known = this.ids.get(name);
    if (known !== undefined) return known;
    const id = randomUUID();
    this.learn(name, id);
    return id;
  }

  /** From then on `value` appears as `name`. */
  learn(name: string, value: string): void {
    this.ids.set(name, value);
    this.names.set(value, name);
  }

  /** Those who are mentioned in a text by their ids. */
  namesIn(text: string): Record<string, string> {
    return Object.fromEntries([...this.ids].filter(([, id]) => text.includes(id)));
  }

  /** The name of an id; any other text as it is. */
  name(value: string): string {
    return this.names.get(value) ?? value;
  }
}
