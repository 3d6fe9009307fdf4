/** The name that a function of this package has in the database: `beginStart` is `begin_start`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
