import { describe, expect, test } from "vitest";
import { decideEngine, type EngineProbe } from "./engineDecision.ts";
import { namesInOsRelease } from "./engineProbe.ts";

const debian: EngineProbe = {
  answer: "absent",
  address: "/var/run/docker.sock",
  addressGiven: false,
  daemonInstalled: false,
  isRoot: true,
  platform: "linux",
  distribution: ["debian"],
  systemd: true,
  user: "ann",
};
const decide = (probe: Partial<EngineProbe>) => decideEngine({ ...debian, ...probe });

describe("an engine", () => {
  test("that answers is used, whoever asks and wherever it is", () => {
    expect(decide({ answer: "ok", isRoot: false, platform: "darwin", addressGiven: true })).toEqual({
      action: "use",
    });
  });

  test.each(["debian", "ubuntu"])("that is missing is installed on %s as root", (name) => {
    expect(decide({ distribution: [name] })).toEqual({ action: "install" });
  });

  test("of a relative of Debian is installed too", () => {
    expect(decide({ distribution: ["linuxmint", "ubuntu", "debian"] })).toEqual({ action: "install" });
  });

  test.each(["absent", "refused"] as const)("that is installed and %s is started by root", (answer) => {
    expect(decide({ daemonInstalled: true, answer })).toEqual({ action: "start" });
  });
});

describe("a message with what to type", () => {
  test.each([
    [
      "no permission",
      { answer: "permission", isRoot: false },
      "engine-permission",
      "sudo usermod -aG docker ann",
    ],
    ["missing, not root", { isRoot: false }, "engine-missing", "apt-get install -y docker.io"],
    [
      "stopped, not root",
      { daemonInstalled: true, isRoot: false },
      "engine-unreachable",
      "sudo systemctl start docker",
    ],
    [
      "stopped, not root, no systemd",
      { daemonInstalled: true, isRoot: false, systemd: false },
      "engine-unreachable",
      "sudo service docker start",
    ],
    ["another distribution", { distribution: ["fedora"] }, "engine-missing", "your system's packages"],
    ["another system", { platform: "darwin" }, "engine-missing", "Install and start Docker"],
    ["hanging", { answer: "silent" }, "engine-unreachable", "journalctl -u docker"],
    [
      "DOCKER_HOST that leads nowhere, although an engine could be installed",
      { addressGiven: true, address: "tcp://far:2375", answer: "refused" },
      "engine-unreachable",
      "unset DOCKER_HOST",
    ],
  ] as const)("%s", (_name, probe, reason, typed) => {
    const decision = decide(probe);
    if (decision.action !== "refuse") throw new Error(`decided to ${decision.action}`);
    expect(decision.error).toMatchObject({ reason, fix: expect.stringContaining(typed) });
  });
});

test("names in os-release", () => {
  expect(
    namesInOsRelease('NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_ID="21"\n'),
  ).toEqual(["linuxmint", "ubuntu", "debian"]);
});
