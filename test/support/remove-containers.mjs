// node remove-containers.mjs LABEL: when its standard input ends, removes every container with that label.

import { getContainerRuntimeClient } from "testcontainers";
import { onParentExit } from "./on-parent-exit.mjs";

const label = String(process.argv[2]);
const client = await getContainerRuntimeClient();
const { dockerode } = client.container;

await onParentExit(async () => {
  for (const { Id } of await dockerode.listContainers({ all: true, filters: { label: [label] } })) {
    await dockerode
      .getContainer(Id)
      .remove({ force: true, v: true })
      .catch(() => undefined);
  }
});
