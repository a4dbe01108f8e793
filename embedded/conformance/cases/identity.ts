/** Who calls. */
import { api } from "../app/convex/_generated/api.js";
import type { Area, Case } from "../case.ts";
import type { Person } from "../driver.ts";
import { attempt } from "../errorClass.ts";
import { ISSUER, RSA_ISSUER } from "../keys.ts";

const alice: Person = { subject: "alice", issuer: ISSUER, name: "Alice", email: "alice@example.com" };
const bob: Person = { subject: "bob", issuer: RSA_ISSUER, emailVerified: true };

const cases: Case[] = [
  { name: "knows nobody without a token", run: (t) => t.query(api.identity.whoami, {}), expected: null },
  {
    name: "reads the identity from an ES256 token",
    run: (t) => t.as(alice).query(api.identity.whoami, {}),
    expected: {
      ...{ email: "alice@example.com", issuer: ISSUER, name: "Alice", subject: "alice" },
      tokenIdentifier: `${ISSUER}|alice`,
    },
  },
  {
    name: "reads the identity from an RS256 token",
    run: (t) => t.as(bob).query(api.identity.whoami, {}),
    expected: {
      emailVerified: true,
      issuer: RSA_ISSUER,
      subject: "bob",
      tokenIdentifier: `${RSA_ISSUER}|bob`,
    },
  },
  {
    name: "passes claims of the issuer's own through",
    run: (t) => t.as({ ...alice, role: "admin", level: 3 }).query(api.identity.whoami, {}),
  },
  {
    name: "knows the caller in mutations, actions and what they call",
    run: async (t) => [
      await t.as(alice).mutation(api.identity.whoamiInMutation, {}),
      await t.as(alice).action(api.actions.who, {}),
      await t.action(api.actions.who, {}),
    ],
    expected: [`${ISSUER}|alice`, [`${ISSUER}|alice`, `${ISSUER}|alice`], [null, null]],
  },
  {
    name: "shows each caller their own data",
    run: async (t) => {
      await t.as(alice).mutation(api.identity.addNote, { text: "of Alice" });
      await t.as(bob).mutation(api.identity.addNote, { text: "of Bob" });
      return [
        await t.as(alice).query(api.identity.myNotes, {}),
        await t.as(bob).query(api.identity.myNotes, {}),
        await t.query(api.identity.myNotes, {}),
        await attempt(() => t.mutation(api.identity.addNote, { text: "of nobody" })),
      ];
    },
    expected: [["of Alice"], ["of Bob"], null, { error: "thrown", text: "Sign in first" }],
  },
  {
    name: "asks again for each caller once an answer depends on who asks",
    run: async (t) => {
      const ask = async () => [
        await t.query(api.identity.askIfPresent, { label: "secret" }),
        await t.as(alice).query(api.identity.askIfPresent, { label: "secret" }),
        await t.as(bob).query(api.identity.askIfPresent, { label: "secret" }),
      ];
      const before = await ask();
      await t.mutation(api.rows.insert, { table: "items", document: { label: "secret" } });
      return [before, await ask()];
    },
    expected: [
      ["nothing yet", "nothing yet", "nothing yet"],
      ["nobody", "alice", "bob"],
    ],
  },
];

export const identity: Area = { area: "identity", cases };
