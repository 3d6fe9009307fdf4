// A worker does not outlive its run. Not process.exit(), which Vitest replaces.
process.once("disconnect", () => process.kill(process.pid, "SIGKILL"));
