import Docker from "dockerode";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LABELS } from "../../core/labels.ts";
import { pause, realClock } from "../../worker/clock.ts";
import { DockerEngine } from "../../worker/engine/dockerEngine.ts";
import { LogKeeper } from "../../worker/keptLogs/logKeeper.ts";

/** Docker's own logs: each line once, in order, and no call for a container that says nothing. */

const INSTANCE = "wkkeeplg";
const WITHIN_MS = 60_000;

const docker = new Docker();
const kept: string[] = [];
const reads: string[] = [];
let container: Docker.Container;
let keeper: LogKeeper;
const failures: unknown[] = [];

function makeKeeper(): LogKeeper {
  const engine = new DockerEngine(docker);
  return new LogKeeper({
    engine: {
      listContainers: (owned) => engine.listContainers(owned),
      followLogs: (id, since) => engine.followLogs(id, since),
      watch: (listener) => engine.watch(listener),
      readLogs: async (id, since, lines) => {
        reads.push(id);
        return await engine.readLogs(id, since, lines);
      },
    },
    store: {
      appendLogs: async (_projectId, _kind, lines) => void kept.push(...lines.map(({ text }) => text)),
    },
    instanceId: INSTANCE,
    clock: realClock,
    log: (_event, fields) => failures.push(fields),
  });
}

beforeAll(async () => {
  await removeAll();
  container = await docker.createContainer({
    Image: "slipway/node:20",
    // Says whatever comes in at its input, to its last words.
    Cmd: ["sh", "-c", 'while read -r line; do echo "$line"; [ "$line" = "last words" ] && exit 0; done'],
    OpenStdin: true,
    Labels: {
      [LABELS.instance]: INSTANCE,
      [LABELS.project]: "p1",
      [LABELS.environment]: "dev",
      [LABELS.service]: "app",
      [LABELS.replica]: "1",
    },
  });
  keeper = makeKeeper();
  await container.start();
});
afterAll(async () => {
  keeper?.close();
  await removeAll();
});

async function removeAll(): Promise<void> {
  const filters = { label: [`${LABELS.instance}=${INSTANCE}`] };
  for (const { Id } of await docker.listContainers({ all: true, filters })) {
    await docker.getContainer(Id).remove({ force: true });
  }
}

/** Looks until the last line that was kept is this one. */
async function looksUntil(line: string): Promise<void> {
  const until = Date.now() + WITHIN_MS;
  while (kept.at(-1) !== line) {
    if (Date.now() > until) throw new Error(`${line} was not kept; ${kept.join(", ")} were`);
    await keeper.look();
    await pause(realClock, 20);
  }
}

/** Looks until nothing rings any more. */
async function looksUntilSilent(): Promise<void> {
  const until = Date.now() + WITHIN_MS;
  while ((await keeper.look()) > 0) if (Date.now() > until) throw new Error("It is never silent.");
}

test("every line is kept once, in order, and silence costs no reading", async () => {
  const input = await container.attach({ stream: true, stdin: true, hijack: true });
  const said: string[] = [];
  for (let round = 0; round < 5; round += 1) {
    for (let line = 0; line < 20; line += 1) said.push(`${round}.${line}`);
    input.write(`${said.slice(-20).join("\n")}\n`);
    await looksUntil(said.at(-1)!);
    await looksUntilSilent();
    const before = reads.length;
    for (let look = 0; look < 10; look += 1) await keeper.look();
    expect(reads.length).toBe(before);
  }
  expect(kept).toEqual(said);

  const ended = container.wait();
  input.write("last words\n");
  await ended;
  await looksUntil("last words");
  await looksUntilSilent();
  expect(kept).toEqual([...said, "last words"]);
  expect(failures).toEqual([]);
});
