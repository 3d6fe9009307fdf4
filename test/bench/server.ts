import os from "node:os";
import { startEmbedded } from "../../src/embedded/start.js";

export interface BenchServer {
  label: string;
  url: string;
  stop: () => Promise<void>;
}

/** Settings as for a control plane, except that checkpoints do not happen during the measurement. */
const DURABLE = {
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  shared_buffers: "256MB",
  max_wal_size: "8GB",
  checkpoint_timeout: "1h",
  max_connections: "150",
};

/** Takes the server at `url`, or else starts one with its data on disk, with durable settings and those that are given. */
export async function openServer(
  url: string | undefined,
  settings: Record<string, string> = {},
): Promise<BenchServer> {
  if (url) return { label: "DATABASE_URL", url, stop: () => Promise.resolve() };
  const server = await startEmbedded({ dir: os.tmpdir(), settings: { ...DURABLE, ...settings } });
  return { ...server, label: "embedded, data in the temporary directory" };
}
