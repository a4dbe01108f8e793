import type { ManifestInput } from "../../core/manifest.ts";

/**
 * Tests that are known to run at the same time: each leaves its own word in its own database and then waits there until
 * somebody from outside leaves `go` beside it. Nobody does before all of them run.
 */

export const GO = "go";

const WAIT = `
  DO $body$ BEGIN
    WHILE NOT EXISTS (SELECT 1 FROM words WHERE word = '${GO}') LOOP PERFORM pg_sleep(0.5); END LOOP;
  END $body$`;

/** One program, run by a shell; its last output is all that its database holds. */
const COMMAND = [
  "set -eu",
  `db() { psql "$DATABASE_URL" -AtqX -v ON_ERROR_STOP=1 -c "$1"; }`,
  `db "CREATE TABLE words (word text); INSERT INTO words VALUES ('$WORD')"`,
  `db ${quoted(WAIT)}`,
  `db "SELECT word FROM words WHERE word <> '${GO}'"`,
].join("\n");

/** A project of one service, whose image has PostgreSQL's own client, and a database with a port of the host. */
export function waitingProject(word: string): Partial<ManifestInput> {
  return {
    services: { app: { image: "slipway/postgres:15" } },
    egress: "none",
    attachments: [{ image: "postgres:15", publish: true, memory: "192m" }],
    env: { WORD: word },
    environments: { test: { command: COMMAND, memory: "64m", timeout: "14m" } },
  };
}

/** Run in the database's own container; fails as long as the tests have not made the table. */
export const LET_GO = ["psql", "-U", "app", "-d", "app", "-qX", "-c", `INSERT INTO words VALUES ('${GO}')`];

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
