import { createInterface } from "node:readline";
import { SlipwayError } from "../../../core/errors.ts";

/**
 * Asks on the terminal; anything but `expected` is a no.
 * @throws SlipwayError `bad_request` where nobody can be asked, or the answer was no
 */
export async function confirm(question: string, expected: string): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new SlipwayError({
      code: "bad_request",
      message: "This asks before it removes anything, and there is no terminal to ask on.",
      hint: "Say --yes if you are sure; nothing was changed.",
    });
  }
  if ((await ask(`${question}\nType ${expected} to go on: `)) === expected) return;
  throw new SlipwayError({ code: "bad_request", message: "Stopped: nothing was changed." });
}

/** The answer; null where the terminal was closed or Ctrl-C was pressed instead. */
async function ask(question: string): Promise<string | null> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await new Promise((resolve) => {
      terminal.once("close", () => resolve(null));
      terminal.once("SIGINT", () => terminal.close());
      terminal.question(question, (answer) => resolve(answer.trim()));
    });
  } finally {
    terminal.close();
    process.stderr.write("\n");
  }
}
