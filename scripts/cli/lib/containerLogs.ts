import { PassThrough, Readable } from "node:stream";
import { createInterface } from "node:readline";
import type Docker from "dockerode";
import * as z from "zod";
import { LABELS, ownedBy } from "../../../core/labels.ts";
import type { EnvironmentKind } from "../../../core/lifecycle.ts";
import { withinDeadline } from "../../setup/deadline.ts";

const CALL_DEADLINE_MS = 20_000;

export type LogScope = {
  instanceId: string;
  namespace: string;
  kind: EnvironmentKind;
  /** One service; undefined for all. */
  service?: string;
};
export type LogContainer = { id: string; service: string; replica: string };
export type LogLine = {
  service: string;
  replica: string;
  stream: "stdout" | "stderr";
  /** RFC 3339, as the engine took it. */
  at: string;
  text: string;
};

const vStartEvent = z.object({
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()) }),
});

/** The containers of `scope`, stopped ones too, in the order of their services. */
export async function logContainers(docker: Docker, scope: LogScope): Promise<LogContainer[]> {
  const found = await withinDeadline(
    docker.listContainers({ all: true, filters: { label: labelsOf(scope) } }),
    CALL_DEADLINE_MS,
    "Listing containers",
  );
  return found
    .map(({ Id, Labels }) => containerOf(Id, Labels))
    .sort((a, b) => (`${a.service} ${a.replica}` < `${b.service} ${b.replica}` ? -1 : 1));
}

/** The last `tail` lines of each container, all together in the order in which they were said. */
export async function readLogs(docker: Docker, containers: LogContainer[], tail: number): Promise<LogLine[]> {
  const lines = await Promise.all(
    containers.map(async (container) => {
      const kept: LogLine[] = [];
      await pump(docker, container, { tail, follow: false }, (line) => kept.push(line));
      return kept;
    }),
  );
  return lines.flat().sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

/** Goes on for ever: with the given containers, and with each that starts in `scope` later. */
export async function followLogs(
  docker: Docker,
  scope: LogScope,
  containers: LogContainer[],
  tail: number,
  print: (line: LogLine) => void,
): Promise<void> {
  const events = (await withinDeadline(
    docker.getEvents({ filters: { type: ["container"], event: ["start"], label: labelsOf(scope) } }),
    CALL_DEADLINE_MS,
    "Subscribing to the engine's events",
  )) as Readable;
  await new Promise<void>((resolve, reject) => {
    const attach = (container: LogContainer, options: { tail: number } | { since: number }) =>
      void pump(docker, container, { ...options, follow: true }, print).catch(reject);
    for (const container of containers) attach(container, { tail });
    createInterface({ input: events })
      .on("line", (line) => {
        const event = vStartEvent.safeParse(JSON.parse(line));
        if (!event.success) return;
        const { ID, Attributes } = event.data.Actor;
        attach(containerOf(ID, Attributes), { since: Math.floor(Date.now() / 1000) });
      })
      .on("close", resolve);
    events.on("error", reject);
  });
}

/** Hands on each line that `container` says, until its log ends. */
async function pump(
  docker: Docker,
  { id, service, replica }: LogContainer,
  { follow, ...range }: { follow: boolean; tail?: number; since?: number },
  print: (line: LogLine) => void,
): Promise<void> {
  const options = { stdout: true, stderr: true, timestamps: true, ...range };
  const target = docker.getContainer(id);
  const what = `Reading the log of ${service}`;
  const stream = follow
    ? ((await withinDeadline(target.logs({ ...options, follow: true }), CALL_DEADLINE_MS, what)) as Readable)
    : Readable.from([
        await withinDeadline(target.logs({ ...options, follow: false }), CALL_DEADLINE_MS, what),
      ]);
  const outputs = { stdout: new PassThrough(), stderr: new PassThrough() };
  docker.modem.demuxStream(stream, outputs.stdout, outputs.stderr);
  stream.once("end", () => Object.values(outputs).forEach((output) => output.end()));
  stream.once("error", (error) => Object.values(outputs).forEach((output) => output.destroy(error)));
  await Promise.all(
    (["stdout", "stderr"] as const).map(async (name) => {
      for await (const line of createInterface({ input: outputs[name] })) {
        const space = line.indexOf(" ");
        print({ service, replica, stream: name, at: line.slice(0, space), text: line.slice(space + 1) });
      }
    }),
  );
}

function labelsOf({ instanceId, namespace, kind, service }: LogScope): string[] {
  const labels = [ownedBy(instanceId), `${LABELS.namespace}=${namespace}`, `${LABELS.environment}=${kind}`];
  return service === undefined ? labels : [...labels, `${LABELS.service}=${service}`];
}

function containerOf(id: string, labels: Record<string, string>): LogContainer {
  return { id, service: labels[LABELS.service] ?? "?", replica: labels[LABELS.replica] ?? "1" };
}
