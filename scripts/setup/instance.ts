import { randomInt } from "node:crypto";
import { readFile } from "node:fs/promises";
import * as z from "zod";
import { SlipwayError } from "../../core/errors.ts";
import { randomId } from "../../core/naming.ts";
import { DEFAULT_SUBNET_POOL } from "../../core/subnets.ts";
import { dataPaths, ensurePrivateFolder, isErrorCode, writePrivateFile } from "./dataDir.ts";
import { freePort, isPortFree } from "./ports.ts";

const vPort = z.int().min(1).max(65535);

export const vInstance = z.strictObject({
  /** On the label of everything that this instance makes in Docker, and in its bridges' names . */
  instanceId: z.string().regex(/^[a-z0-9]{8}$/),
  /** Where the gateway listens, on 127.0.0.1. */
  httpPort: vPort,
  /** Where it listens for TLS; instances of an earlier version had none. */
  httpsPort: vPort.default(8443),
  /** Where the embedded backend serves clients. */
  backendPort: vPort,
  /** Where the embedded backend serves HTTP actions. */
  sitePort: vPort,
  /** IPv4 in CIDR form: where the control plane takes projects' networks from. */
  subnetPool: z.string().regex(/^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/),
});
export type Instance = z.infer<typeof vInstance>;

const DEFAULTS = {
  httpPort: 8080,
  httpsPort: 8443,
  backendPort: 3210,
  sitePort: 3211,
  subnetPool: DEFAULT_SUBNET_POOL,
};
const PORTS = ["httpPort", "httpsPort", "backendPort", "sitePort"] as const;
const SERVES = {
  httpPort: "the gateway",
  httpsPort: "the gateway's TLS",
  backendPort: "the backend",
  sitePort: "HTTP actions",
};

export type InstanceOverrides = Partial<Pick<Instance, "httpPort" | "httpsPort" | "subnetPool">>;
export type InstanceOptions = {
  /** One line for people, where a port could not be had. */
  say: (line: string) => void;
  /** Whether `port` is taken by the instance itself: its gateway, left running. */
  isOurs?: (instanceId: string, port: number) => Promise<boolean>;
};

/**
 * The instance of `dataDir`, made on the first call. Ports that somebody else took meanwhile are changed and said.
 * @throws SlipwayError `setup` where `instance.json` is damaged, or a port asked for by name is taken
 */
export async function ensureInstance(
  dataDir: string,
  overrides: InstanceOverrides,
  options: InstanceOptions,
): Promise<Instance> {
  const before = await readInstance(dataDir);
  const wanted: Instance = {
    ...(before ?? { instanceId: randomId(8, () => randomInt(2 ** 32) / 2 ** 32), ...DEFAULTS }),
    ...definedOnly(overrides),
  };
  const instance = await settlePorts(wanted, overrides, options);
  if (JSON.stringify(instance) !== JSON.stringify(before)) {
    await ensurePrivateFolder(dataDir);
    await writePrivateFile(dataPaths(dataDir).instance, `${JSON.stringify(instance, null, 2)}\n`);
  }
  return instance;
}

/**
 * The instance of `dataDir`, or null where Slipway was never started there. Makes nothing.
 * @throws SlipwayError `setup` where `instance.json` is damaged
 */
export async function readInstance(dataDir: string): Promise<Instance | null> {
  const path = dataPaths(dataDir).instance;
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (isErrorCode(error, "ENOENT")) return null;
    throw error;
  }
  try {
    return vInstance.parse(JSON.parse(text));
  } catch (cause) {
    throw new SlipwayError(
      {
        code: "setup",
        message: `${path} is damaged: ${cause instanceof z.ZodError ? z.prettifyError(cause).replace(/\s*\n\s*/g, " ") : "it is no JSON"}.`,
        hint: "Restore it from a backup; without it Slipway does not know what in Docker is its own.",
      },
      { cause },
    );
  }
}

async function settlePorts(
  wanted: Instance,
  overrides: InstanceOverrides,
  { say, isOurs }: InstanceOptions,
): Promise<Instance> {
  const instance = { ...wanted };
  const taken: number[] = [];
  for (const key of PORTS) {
    const port = wanted[key];
    const usable =
      !taken.includes(port) &&
      ((await isPortFree(port)) || (await isOurs?.(wanted.instanceId, port)) === true);
    if (!usable) {
      if ((key === "httpPort" || key === "httpsPort") && overrides[key] !== undefined) {
        throw new SlipwayError({
          code: "setup",
          message: `Port ${port} is taken by another program.`,
          hint:
            key === "httpPort"
              ? "Name another one with --port, or leave --port out and a free one is chosen."
              : "Name another one in SLIPWAY_HTTPS_PORT, or leave it out and a free one is chosen.",
        });
      }
      instance[key] = await freePort(port + 1, taken);
      say(`Port ${port} is taken by another program: ${SERVES[key]} uses ${instance[key]}.`);
    }
    taken.push(instance[key]);
  }
  return instance;
}

function definedOnly<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}
