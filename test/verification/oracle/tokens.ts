/** The database's plan tokens, which the model cannot know, and its own names for the same plans. */
export class Tokens {
  readonly #byPlan = new Map<string, string>();
  readonly #byToken = new Map<string, string>();

  /** Names of the plans seen so far, oldest first. */
  get plans(): string[] {
    return [...this.#byPlan.keys()];
  }

  /** Any text for a plan never seen. */
  of(plan: string): string {
    return this.#byPlan.get(plan) ?? plan;
  }

  /** The name of the plan that this token stands for; any other text stands for itself. */
  nameOf(token: string): string {
    return this.#byToken.get(token) ?? token;
  }

  /** The name, unless this token was another plan's, or this plan had another token. */
  learn(plan: string, token: string): string {
    const known = this.#byPlan.get(plan);
    if ((known ?? token) !== token) return `${plan}, but not the token it had before`;
    if ((this.#byToken.get(token) ?? plan) !== plan) return `${plan}, but the token of another plan`;
    this.#byPlan.set(plan, token);
    this.#byToken.set(token, plan);
    return plan;
  }
}
