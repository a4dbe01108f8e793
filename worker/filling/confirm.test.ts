import { describe, expect, test } from "vitest";
import { LABELS } from "../../core/labels.ts";
import type { EngineContainer, EngineVolume } from "../engine/engine.ts";
import { confirmFilled, confirmUnfilled } from "./confirm.ts";

const OURS = { [LABELS.instance]: "i", [LABELS.namespace]: "ns" };
const FILL = { ...OURS, [LABELS.role]: "fill" };
const EXPECTED = { volume: "v", labels: OURS, filling: "a" };
const V: EngineVolume = { name: "v", labels: { ...OURS, [LABELS.filling]: "a" } };
const MARK: EngineVolume = { name: "v_unfilled_a", labels: { ...FILL, [LABELS.filling]: "a" } };
const BY_MOUNT: EngineVolume = { name: "v_unfilled_a", labels: { ...FILL, [LABELS.filling]: "none" } };

const container = (name: string, more: Partial<EngineContainer>): EngineContainer => ({
  ...{ id: name, name, image: "i", labels: FILL, state: "created", health: "none" },
  ...{ exitCode: null, networks: {}, volumes: ["v"] },
  ...more,
});
const FILLER = container("v_filler_x", {});

function look(volumes: EngineVolume[], containers: EngineContainer[] = [FILLER]) {
  return {
    findVolume: async (name: string) => volumes.find((volume) => volume.name === name) ?? null,
    listContainers: async () => containers,
  };
}

describe("nothing is put into a volume", () => {
  const put = (...found: Parameters<typeof look>) => confirmUnfilled(look(...found), EXPECTED, "v_filler_x");

  test("unless it has its mark, and nobody else is at it", async () => {
    await put([V, MARK]);
    await put([V, MARK], [FILLER, container("app", { labels: OURS })]);
  });

  test("once its mark is gone, also where Docker made it again for the filler that mounts it", async () => {
    await expect(put([V])).rejects.toThrow("v counts already");
    await expect(put([V, BY_MOUNT])).rejects.toThrow("v counts already");
  });

  test("where it is another one than was planned for, or gone", async () => {
    const other = { ...V, labels: { ...OURS, [LABELS.filling]: "b" } };
    await expect(put([other, MARK])).rejects.toThrow("v is not the one that it was");
    await expect(put([MARK])).rejects.toThrow("v is not the one that it was");
  });

  test("while another attempt fills it, or a service has run on it", async () => {
    await expect(put([V, MARK], [FILLER, container("v_filler_y", {})])).rejects.toThrow(
      "filled by v_filler_y",
    );
    const app = container("app", { labels: OURS, state: "exited" });
    await expect(put([V, MARK], [FILLER, app])).rejects.toThrow("app uses v already");
  });
});

describe("no container is first started on a volume", () => {
  test("but on the one that was planned for, once it counts", async () => {
    await confirmFilled(look([V]), EXPECTED);
    await expect(confirmFilled(look([V, MARK]), EXPECTED)).rejects.toThrow("v is not filled yet");
    await expect(confirmFilled(look([]), EXPECTED)).rejects.toThrow("v is not the one that it was");
  });

  test("made before fillings had names, all the same", async () => {
    const old = { volume: "v", labels: OURS, filling: null };
    await confirmFilled(look([{ name: "v", labels: OURS }]), old);
    const mark = { name: "v_unfilled", labels: FILL };
    await expect(confirmFilled(look([{ name: "v", labels: OURS }, mark]), old)).rejects.toThrow("not filled");
  });
});
