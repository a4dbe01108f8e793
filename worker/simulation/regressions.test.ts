import { expect, test } from "vitest";
import { programOf, type Program } from "./program.ts";
import { Random } from "./random.ts";
import { runSeed } from "./run.ts";
import { GROUP, withSharing } from "./sharing.ts";

/** Seeds that found a fault once, by what it was: with the programs that they had then, when nothing was shared. */
test.each([
  [197, "a helper that a dead worker left had a workspace filled that was in use"],
  [508, "a worker that another one had replaced filled by a look that was 26 s old"],
  [
    760,
    "a subnet was given up for good because a worker that was replaced had made a deleted project's network again",
  ],
  [977, "a port was given up for good that nobody had tried: the call that exchanges one came twice"],
  [1250, "what was kept for a rollback stayed for hours: the host's clock is not the control plane's"],
  [1321, "a workspace was filled again after its container was removed by hand"],
])(
  "seed %d ends as it should: %s",
  async (seed) => {
    const program = programOf(new Random(seed, "program"));
    expect((await runSeed(seed, { program })).violations).toEqual([]);
  },
  120_000,
);

/** The same of those that share a group, or have databases beside them: as they were when no manifest was edited. */
test.each([
  [79, "a group's subnet was given back while its network, which could not be removed yet, still had it"],
  [
    1389,
    "a container stayed bound to its group's network of before, which was made anew while it stood still",
  ],
  [1718, "a snapshot's volume that was made only once its mark was gone counted, and was empty"],
  [335, "Docker's first verdicts on what was started late were taken for a worker that is not quiet"],
])(
  "seed %d, with what it shares, ends as it should: %s",
  async (seed) => {
    const program = withSharing(programOf(new Random(seed, "program")), new Random(seed, "sharing"));
    expect((await runSeed(seed, { program })).violations).toEqual([]);
  },
  120_000,
);

/** The same of those whose manifests are edited. */
test.each([
  [134, "what was to fill the volume of a database that was let go meanwhile was left"],
  [322, "a port that was given back was listened at for good: nobody had read what was wanted anew"],
  [453, "a switch was undone because a service that is not rolled out, and could not be, did not answer"],
  [1339, "what a dead worker's last call made of a group that nobody needed any more was never seen"],
  [1888, "a rollout was undone because of what had been told of the one before, and was mended by then"],
  [1924, "a dead worker's last call made a release's workspace again that was long gone, and it was left"],
  [2913, "half of the starter stayed that an interrupted filling had begun for the manifest before"],
  [3195, "a subnet was given to another project while a route still led to its addresses"],
  [3580, "a container that came late to an environment that was not to run was never told"],
  [3831, "a container of somebody else's was connected that had taken the name meanwhile"],
  [5113, "a failure that was told of an environment that was never wanted was never taken back"],
])(
  "seed %d, with its edits, ends as it should: %s",
  async (seed) => {
    expect((await runSeed(seed)).violations).toEqual([]);
  },
  120_000,
);

test("a group's data stays for a member that has no host yet when the last one that had is deleted", async () => {
  const move = (at: number) => ({ at, pick: 0.25, more: 0, do: "move" as const });
  const program: Program = {
    groups: [{ name: GROUP, attachments: ["postgres:15"] }],
    manifests: ["hosted", "planned"].map((name) => ({ name, stack: "node", group: GROUP })),
    actions: [move(500), move(1_500), { at: 60_000, pick: 0.49, more: 0, do: "delete" }],
    dooms: [],
    calmAt: 400_000,
    mendsImages: true,
  };
  const { violations, story } = await runSeed(2, { program, tells: true });
  expect(violations).toEqual([]);
  expect(story.filter((line) => /people.*projects:deleteProject/.test(line))).not.toEqual([]);
});
