import pg from "pg";
import { performTask, type ClientTask } from "./client-task.js";

// Performs the one task that it is sent, and then waits to be killed. It does not outlive its parent.
process.once("message", (task: ClientTask) => void start(task));
process.once("disconnect", () => process.exit());

async function start(task: ClientTask): Promise<void> {
  const { url: connectionString, applicationName: application_name, options } = task;
  const client = new pg.Client({ connectionString, application_name, options });
  await client.connect();
  await performTask(client, task, new Promise(() => undefined));
}
