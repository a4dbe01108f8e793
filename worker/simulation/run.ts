import { DEPLOYMENT_VARIABLES } from "./convexServer.ts";
import { HEALTH_INTERVAL_MS } from "./fakeContainers.ts";
import { withEdits } from "./edits.ts";
import { checkEnd, endsOf } from "./invariants.ts";
import { People } from "./people.ts";
import { BROKEN } from "./imageCatalog.ts";
import { programOf, type Program } from "./program.ts";
import { LATEST_MS } from "./faults.ts";
import { Random } from "./random.ts";
import { membersOf, groupsOf } from "./rows.ts";
import { withSharing } from "./sharing.ts";
import { World } from "./world.ts";

/** Milliseconds within which everything is as it should be, once nothing goes wrong any more. */
const SETTLE_MS = 11 * 60_000;
/** Every so many ms it is looked whether it is already: then the rest of that time has nothing to show. */
const LOOK_MS = 2 * 60_000;
/** One seed in so many goes on to the end of that time, for what comes late. */
const WHOLE_TIME_EVERY = 10;
/** Within which an event is heard and told, where nothing goes wrong. */
const MOST_ON_THE_WAY_MS = 5_000;
/** Milliseconds of peace in which next to nothing may be asked for. */
const QUIET_MS = 3 * 60_000;
/** Calls in that time: a look at everything once a minute is three lists, the gateway's versions and the projects. */
const QUIET_CALLS = 4 * 8;
/** Calls in that time for an environment that cannot be as it should: it is tried again every minute or two. */
const QUIET_CALLS_HINDERED = 4 * 30;
/** Calls in that time for a member of a group: what it shares with others, its own turns look at. */
const QUIET_CALLS_MEMBER = 4 * 20;

export type Outcome = {
  seed: number;
  violations: string[];
  story: string[];
  /** Calls that workers made. */
  calls: number;
  profile: string;
};

/** @param tells keeps the story; @param program another than the seed's own, for shrinking */
export async function runSeed(
  seed: number,
  { tells = false, program = programOfSeed(seed) }: { tells?: boolean; program?: Program } = {},
): Promise<Outcome> {
  const restore = setVariables();
  const { stackTraceLimit } = Error;
  // Most errors are foreseen here, and a stack takes longer to make than what it is about.
  if (!tells) Error.stackTraceLimit = 0;
  try {
    return await run(seed, tells, program);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    restore();
  }
}

export function programOfSeed(seed: number): Program {
  const alone = programOf(new Random(seed, "program"));
  return withEdits(withSharing(alone, new Random(seed, "sharing")), new Random(seed, "edits"));
}

async function run(seed: number, tells: boolean, program: Program): Promise<Outcome> {
  const world = new World(seed, tells);
  const people = new People(world);
  const { time, watcher, supervisor } = world;
  world.story.tell("seed", () => `${seed}, ${world.faults.profile} lines, ${JSON.stringify(program.dooms)}`);
  for (const group of program.groups) time.after(0, () => people.call("groups:createGroup", group));
  for (const manifest of program.manifests) {
    const { name, ...rest } = manifest;
    time.after(0, () => people.call("projects:createProject", { name, manifest: rest }));
  }
  time.after(5, () => supervisor.begin(program.dooms));
  for (const action of program.actions) time.after(action.at, () => people.do(action));
  time.after(program.calmAt, () => {
    world.story.tell("seed", () => "all that goes wrong stops");
    world.calm();
    people.clearTheWay();
    if (program.mendsImages) for (const image of BROKEN) world.engine.addImage(image);
  });
  await settle(world, people, program.calmAt, seed % WHOLE_TIME_EVERY === 0);
  if (watcher.violations.length === 0) await checkEnd(world, people);
  // What was started a moment ago hears Docker's first verdict on its health only now, and that is told.
  if (watcher.violations.length === 0) await time.runUntil(time.ms + HEALTH_INTERVAL_MS + MOST_ON_THE_WAY_MS);
  const calls = watcher.calls.length;
  if (watcher.violations.length === 0) {
    await time.runUntil(time.ms + QUIET_MS);
    await checkQuiet(world, watcher.calls.slice(calls));
    await checkEnd(world, people);
  }
  const { violations } = watcher;
  return {
    seed,
    violations,
    story: world.story.lines,
    calls: watcher.calls.length,
    profile: world.faults.profile,
  };
}

/** Lets time pass until everything is as it should be, and no call of before is still on its way; at most `SETTLE_MS`. */
async function settle(world: World, people: People, calmAt: number, wholeTime: boolean): Promise<void> {
  const { time, watcher } = world;
  const endMs = calmAt + SETTLE_MS;
  if (wholeTime) return await time.runUntil(endMs);
  await time.runUntil(calmAt + LATEST_MS);
  while (time.ms < endMs && watcher.violations.length === 0) {
    const problems: string[] = [];
    await checkEnd(world, people, (what) => problems.push(what));
    if (problems.length === 0) return;
    await time.runUntil(Math.min(endMs, time.ms + LOOK_MS));
  }
}

/** A machine on which nothing happens costs no call for each container, project or environment. */
async function checkQuiet(world: World, calls: string[]): Promise<void> {
  const hindered = (await endsOf(world)).filter(({ hindrance }) => hindrance !== null).length;
  // Heartbeats and the gateway's look at what it serves cost Docker nothing.
  const told = calls.filter((call) => !/^(worker:heartbeat|probe) ?/.test(call));
  const members = groupsOf(world).reduce((sum, group) => sum + membersOf(world, group).length, 0);
  if (told.length <= QUIET_CALLS + hindered * QUIET_CALLS_HINDERED + members * QUIET_CALLS_MEMBER) return;
  world.watcher.violate(
    `${told.length} calls in ${QUIET_MS / 60_000} quiet minutes: ${told.slice(0, 60).join("; ")}`,
  );
}

/** The control plane's functions read a deployment's variables where Convex has them: in the environment. */
export function setVariables(): () => void {
  const before = Object.keys(DEPLOYMENT_VARIABLES).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, DEPLOYMENT_VARIABLES);
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}
