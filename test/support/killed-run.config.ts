import { defineConfig } from "vitest/config";
import ours from "../../vitest.config.js";

export default defineConfig({ test: { ...ours.test, include: ["test/support/killed-run.fixture.ts"] } });
