import { SlipwayError } from "../../core/errors.ts";
import { startOf } from "../../core/text.ts";

/** What went wrong with a call to Docker, by what can be done about it. */
export type EngineFault =
  /** No answer within the deadline: what was asked may or may not have happened. */
  | "deadline"
  /** The engine cannot be reached, or the answer was lost on the way. */
  | "unreachable"
  | "image_missing"
  | "pull_refused"
  /** An image of Slipway's own could not be made. */
  | "build_failed"
  /** The object that a call is about does not exist. */
  | "not_found"
  /** Another object has the name. */
  | "name_taken"
  | "subnet_taken"
  /** Another program of the host, or another container, listens on a port that this one is to have there. */
  | "port_taken"
  /** The object is in use, or in a state that does not allow it now. */
  | "in_use"
  | "disk_full"
  /** A volume's disk is not mounted, so what uses it cannot start. */
  | "disk_unmounted"
  /** The engine does not take what it was asked. */
  | "refused"
  | "failed";

const HINTS: Record<EngineFault, string> = {
  deadline: "The worker looks again and retries; `slipway doctor` checks the engine.",
  unreachable: "Check that the Docker engine runs (`docker version`); the worker keeps trying.",
  image_missing:
    "`slipway up` builds or pulls the images of the stacks; build or pull an image of your own with docker.",
  pull_refused: "Check the image's name and that this machine reaches its registry, or build the image here.",
  build_failed: "Check this machine's apt sources and free disk space; the worker tries again by itself.",
  not_found: "The worker looks again and makes it anew.",
  name_taken: "The worker looks again; if it stays, remove the foreign object of that name.",
  subnet_taken: "The worker asks for another subnet.",
  port_taken: "The worker asks for another port.",
  in_use: "The worker tries again.",
  disk_full: "Free space on the disk of Docker's data (`docker system df`); the worker retries by itself.",
  disk_unmounted:
    "The worker mounts it again within a minute; where it stays so, `slipway doctor` says why it cannot.",
  refused: "Check the project's manifest with `slipway render`.",
  failed: "The worker retries; the engine's log says more.",
};

export class EngineError extends SlipwayError {
  readonly fault: EngineFault;
  constructor(fault: EngineFault, message: string, options?: { cause?: unknown }) {
    super({ code: fault === "deadline" ? "deadline" : "docker", message, hint: HINTS[fault] }, options);
    this.name = "EngineError";
    this.fault = fault;
  }
}

const BY_TEXT: [RegExp, EngineFault][] = [
  [/no such image|No such image/, "image_missing"],
  [
    /pull access denied|manifest unknown|manifest for .* not found|repository does not exist|toomanyrequests|unauthorized:/,
    "pull_refused",
  ],
  [
    /lookup .* (?:no such host|server misbehaving)|i\/o timeout|connection refused|TLS handshake/,
    "pull_refused",
  ],
  [/failed to mount local volume/, "disk_unmounted"],
  [/no space left on device|disk quota exceeded/i, "disk_full"],
  [
    /[Pp]ool overlaps|address space .*conflict|conflicts with network|networks have overlapping/,
    "subnet_taken",
  ],
  [/port is already allocated|address already in use|ports are not available/i, "port_taken"],
  [/is already in use by container|already exists/, "name_taken"],
  [
    /active endpoints|is in use|volume is in use|removal .* already in progress|cannot .* running container/,
    "in_use",
  ],
];

/** Sorts a failure of docker-modem (`statusCode`, `reason`, `json`) or of the connection to a fault. */
export function engineErrorOf(what: string, error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const status = statusOf(error);
  return new EngineError(faultOf(status, text), `Docker could not ${what}: ${detail(error, text)}`, {
    cause: error,
  });
}

export function statusOf(error: unknown): number | null {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === "number" ? status : null;
}

function faultOf(status: number | null, text: string): EngineFault {
  if (status === null && /ENOENT|ECONNREFUSED|ECONNRESET|EPIPE|EACCES|socket hang up|aborted/.test(text)) {
    return "unreachable";
  }
  const known = BY_TEXT.find(([pattern]) => pattern.test(text));
  if (known) return known[1];
  switch (status) {
    case null:
      return "unreachable";
    case 404:
      return "not_found";
    case 409:
      return "in_use";
    case 400:
    case 403:
      return "refused";
    default:
      return "failed";
  }
}

/** Docker's own sentence, without docker-modem's `(HTTP code 500) server error - ` before it. */
function detail(error: unknown, text: string): string {
  const message = (error as { json?: { message?: unknown } } | null)?.json?.message;
  return startOf((typeof message === "string" ? message : text).trim().replace(/\s+/g, " "), 500);
}
