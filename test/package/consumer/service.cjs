const { createInstance, deleteInstance, VmstateError } = require("vmstate");
const { migrationStatus } = require("vmstate/migrate");
const { createTestDatabase } = require("vmstate/testing");

async function main() {
  const { url, sql, close } = await createTestDatabase();
  const id = crypto.randomUUID();
  const intendedState = "stopped";
  await createInstance(sql, { id, projectId: crypto.randomUUID(), name: "web", intendedState });
  const { outcome, apiState } = await deleteInstance(sql, { instanceId: id });
  const pending = (await migrationStatus(url)).filter(({ state }) => state !== "applied");
  await close();
  console.log(outcome, apiState, pending.length, VmstateError.name);
}

main();
