/** The plan tokens of the database, which the model cannot compute, and the model's names of the same plans. */
export class Tokens {
  readonly #byPlan = new Map<string, string>();
  readonly #byToken = new Map<string, string>();

  /** Names of the plans seen so far, oldest first. */
  get plans(): string[] {
    return [...this.#byPlan.keys()];
  }

  /** Returns the token of a plan; the name itself, which is no token, if the database never answered that plan. */
  of(plan: string): string {
    return this.#byPlan.get(plan) ?? plan;
  }

  /** Returns the name of the plan that has this token; the text itself if no plan has it. */
  nameOf(token: string): string {
    return this.#byToken.get(token) ?? token;
  }

  /** Notes the token of a plan; returns its name, or what is wrong: the token was another plan's, or the plan had another. */
  learn(plan: string, token: string): string {
    const known = this.#byPlan.get(plan);
    if ((known ?? token) !== token) return `${plan}, but not the token it had before`;
    if ((this.#byToken.get(token) ?? plan) !== plan) return `${plan}, but the token of another plan`;
    this.#byPlan.set(plan, token);
    this.#byToken.set(token, plan);
    return plan;
  }
}
