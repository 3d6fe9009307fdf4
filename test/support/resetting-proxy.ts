import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface ResettingProxy extends AsyncDisposable {
  /** The given URL by way of the proxy. */
  url: string;
  /** Keeps back what the server answers from now on. */
  hold: () => void;
  /** Resets every connection of a client, as a firewall that has forgotten them does. */
  reset: () => void;
}

/** A proxy in front of the server of a URL that passes everything on, until it holds or resets. */
export async function startResettingProxy(serverUrl: string): Promise<ResettingProxy> {
  const { hostname, port } = new URL(serverUrl);
  const upstreams = new Map<Socket, Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    upstreams.set(client, upstream);
    client.on("error", () => upstream.destroy()).on("close", () => upstreams.delete(client));
    upstream.on("error", () => client.destroy());
    client.pipe(upstream).pipe(client);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const hold = (): void => {
    for (const [client, upstream] of upstreams) upstream.unpipe(client);
  };
  const reset = (): void => {
    for (const client of upstreams.keys()) client.resetAndDestroy();
  };
  const close = async (): Promise<void> => {
    const closed = once(server, "close");
    server.close();
    reset();
    await closed;
  };
  const { port: own } = server.address() as AddressInfo;
  const url = Object.assign(new URL(serverUrl), { hostname: "127.0.0.1", port: String(own) });
  return { url: url.href, hold, reset, [Symbol.asyncDispose]: close };
}
