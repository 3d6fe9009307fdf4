/**
 * The place of `vmstate/migrate` in `dist/` up to 0.1.0, for callers that import it by its path.
 *
 * @module
 */
export * from "../schema/index.js";
