import pg from "pg";
import { obey, type Order } from "./order.js";

// Obeys the one order that it is sent, and then waits to be killed. It does not outlive its parent.
process.once("message", (order: Order) => void start(order));
process.once("disconnect", () => process.exit());

async function start(order: Order): Promise<void> {
  const { url: connectionString, applicationName: application_name, options } = order;
  const client = new pg.Client({ connectionString, application_name, options });
  await client.connect();
  await obey(client, order, new Promise(() => undefined));
}
