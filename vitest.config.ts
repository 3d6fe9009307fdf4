import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    setupFiles: ["test/support/worker.ts", "test/sharding/expect-given-up.ts"],
    pool: "forks",
    maxWorkers: 2,
    // A title that `$title` fills in is printed whole; the default cuts it after 40 characters.
    chaiConfig: { truncateThreshold: 200 },
    // A hang is found soon enough; a busy machine is no reason to fail.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    coverage: {
      provider: "v8",
      include: ["src/**"],
      // The supervisor's modules run only in a child process, where v8 coverage cannot see them.
      exclude: ["src/embedded/*.mjs"],
      reporter: [["text", { skipFull: true }], "text-summary"],
      thresholds: { statements: 100, branches: 100 },
    },
  },
});
