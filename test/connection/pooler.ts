import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** What a pooler does with `options` that it does not know: PgBouncer by default, and with ignore_startup_parameters. */
export type PoolerKind = "refuses" | "ignores";

export interface Pooler extends AsyncDisposable {
  /** The given URL by way of the pooler. */
  url: string;
}

const SSL_REQUEST = 80_877_103;

/** A proxy in front of the server of a URL that passes on all but the startup packet unchanged. */
export async function startPooler(kind: PoolerKind, serverUrl: string): Promise<Pooler> {
  const { hostname, port } = new URL(serverUrl);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client);
    client.on("error", () => undefined);
    client.on("data", function onPacket(packet: Buffer) {
      if (packet.length === 8 && packet.readInt32BE(4) === SSL_REQUEST) return void client.write("N");
      client.off("data", onPacket);
      if (kind === "refuses" && packet.includes("search_path")) return void client.end(refusal());
      const upstream = connect(Number(port), hostname).on("error", () => undefined);
      sockets.add(upstream);
      upstream.write(kind === "ignores" ? withoutOptions(packet) : packet);
      client.pipe(upstream).pipe(client);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = Object.assign(new URL(serverUrl), {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
  const close = async (): Promise<void> => {
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { url: url.href, [Symbol.asyncDispose]: close };
}

/** As PgBouncer 1.20 and newer says it. */
function refusal(): Buffer {
  const fields = [
    "SFATAL",
    "VFATAL",
    "C08P01",
    "Munsupported startup parameter in options: search_path",
    "",
    "",
  ];
  const body = Buffer.from(fields.join("\0"));
  const head = Buffer.alloc(5, "E");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function withoutOptions(packet: Buffer): Buffer {
  const words = packet.subarray(8).toString("latin1").split("\0");
  const at = words.indexOf("options");
  if (at >= 0) words.splice(at, 2);
  const body = Buffer.from(words.join("\0"), "latin1");
  const head = Buffer.from(packet.subarray(0, 8));
  head.writeInt32BE(body.length + 8, 0);
  return Buffer.concat([head, body]);
}
