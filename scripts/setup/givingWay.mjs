/**
 * Preloaded (`node --import`) into what runs beside something more urgent: it and all that it starts give way.
 */
import { writeFileSync } from "node:fs";
import os from "node:os";

const NICENESS = 19;

os.setPriority(NICENESS);
try {
  // Linux weighs sessions before processes, and a child that is started detached has a session of its own.
  writeFileSync("/proc/self/autogroup", String(NICENESS));
} catch {
  // Another system, or one that weighs no sessions.
}
