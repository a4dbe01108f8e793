/** Installs the npm packages when they are missing or out of step with package-lock.json. No packages needed. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { beforeExit } from "./interrupt.mjs";
import { withLock } from "./lock.mjs";
import { isInStep } from "./lockStep.mjs";

const DEADLINE_MS = 15 * 60_000;
const KEPT_LINES = 20;

/**
 * @param root folder of package.json
 * @param progress from scripts/progress
 * @returns whether anything was installed
 */
export async function ensurePackages(root, progress) {
  const stamp = stampOf(root);
  if (isStamped(root, stamp)) return false;
  let waiting;
  const work = async () => {
    waiting?.drop();
    if (isStamped(root, stamp)) return false;
    const current = isCurrent(root);
    if (!current) await install(root, progress);
    writeFileSync(stampFile(root), stamp);
    linkCommand(root);
    return !current;
  };
  return withLock(`npm-${createHash("sha256").update(root).digest("hex").slice(0, 12)}`, work, {
    onWait: () => (waiting = progress.step("npm packages, which another process is installing")),
  });
}

const stampFile = (root) => path.join(root, "node_modules/.slipway-stamp");

/** Packages with binaries differ by platform and by Node's own interface. */
function stampOf(root) {
  const lock = createHash("sha256")
    .update(readFileSync(path.join(root, "package-lock.json")))
    .digest("hex");
  return `${lock} ${process.platform}-${process.arch}-${process.versions.modules}\n`;
}

const isStamped = (root, stamp) =>
  existsSync(stampFile(root)) && readFileSync(stampFile(root), "utf8") === stamp;

/** Somebody may have run npm themselves: then nothing is to be done but to note it. */
function isCurrent(root) {
  const installed = path.join(root, "node_modules/.package-lock.json");
  if (!existsSync(installed) || existsSync(stampFile(root))) return false;
  const read = (file) => JSON.parse(readFileSync(file, "utf8"));
  return isInStep(read(path.join(root, "package-lock.json")), read(installed));
}

async function install(root, progress) {
  const step = progress.step("npm packages");
  const recent = [];
  let fetched = 0;
  const onLine = (line) => {
    if (/http (fetch|cache) /.test(line)) return step.detail(`${++fetched} files`);
    recent.push(line);
    if (recent.length > KEPT_LINES) recent.shift();
    step.detail(line);
  };
  try {
    const code = await run(
      [...npm(), "ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=http"],
      root,
      onLine,
    );
    if (code !== 0) throw new Error(`npm ci ended with exit code ${code}`);
    step.done();
  } catch (error) {
    step.fail();
    const output = recent.map((line) => `  | ${line}`).join("\n");
    throw new Error(
      `The npm packages could not be installed: ${error.message}\n${output}\n` +
        "Check the connection to the npm registry (npm ping), then try again.",
      { cause: error },
    );
  }
}

/** The npm that started us, the one beside this Node.js, or the one on PATH. */
function npm() {
  const started = process.env.npm_execpath;
  if (started && /npm-cli\.js$/.test(started) && existsSync(started)) return [process.execPath, started];
  const beside = path.join(path.dirname(process.execPath), "npm");
  return [existsSync(beside) ? beside : "npm"];
}

function run([program, ...args], cwd, onLine) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    const timer = setTimeout(() => child.kill("SIGTERM"), DEADLINE_MS);
    const finished = beforeExit(() => child.kill("SIGKILL"));
    for (const stream of [child.stdout, child.stderr]) {
      let rest = "";
      stream.setEncoding("utf8").on("data", (chunk) => {
        const lines = (rest + chunk).split(/\r?\n|\r/);
        rest = lines.pop();
        for (const line of lines) if (line.trim() !== "") onLine(line);
      });
    }
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      finished();
      resolve(code ?? 1);
    });
  });
}

/** `npx slipway` then finds the command without asking a registry. */
function linkCommand(root) {
  const link = path.join(root, "node_modules/.bin/slipway");
  const target = "../../scripts/slipway.mjs";
  mkdirSync(path.dirname(link), { recursive: true });
  if (lstatSync(link, { throwIfNoEntry: false })) {
    if (lstatSync(link).isSymbolicLink() && readlinkSync(link) === target) return;
    unlinkSync(link);
  }
  symlinkSync(target, link);
}
