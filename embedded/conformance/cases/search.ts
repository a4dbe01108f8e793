/** Full-text and vector search. */
import { api } from "../app/convex/_generated/api.js";
import type { Area, Case } from "../case.ts";
import type { Driver } from "../driver.ts";
import { attempt } from "../errorClass.ts";

const ARTICLES = [
  { title: "one", body: "The quick brown fox jumps", category: "animals" },
  { title: "two", body: "A lazy dog sleeps", category: "animals" },
  { title: "three", body: "Quick sort is a quick algorithm", category: "code" },
  { title: "four", body: "nothing of the kind", category: "code" },
];

const POINTS = [
  { name: "x", color: "red", embedding: [1, 0, 0] },
  { name: "y", color: "green", embedding: [0, 1, 0] },
  { name: "xy", color: "red", embedding: [1, 1, 0] },
  { name: "-x", color: "blue", embedding: [-1, 0, 0] },
  { name: "2x", color: "green", embedding: [2, 0, 0] },
];

const addArticles = (t: Driver) => t.mutation(api.searching.addArticles, { articles: ARTICLES });
const addPoints = (t: Driver) => t.mutation(api.searching.addPoints, { points: POINTS });
const sorted = async (found: Promise<string[]>): Promise<string[]> => (await found).sort();

const textCases: Case[] = [
  {
    name: "finds words whatever their case",
    run: async (t) => (await addArticles(t), await sorted(t.query(api.searching.titles, { text: "QUICK" }))),
    expected: ["one", "three"],
  },
  {
    name: "finds the last word by its beginning",
    run: async (t) => (await addArticles(t), await sorted(t.query(api.searching.titles, { text: "algo" }))),
    expected: ["three"],
  },
  {
    name: "finds documents with any of the words",
    run: async (t) => (
      await addArticles(t),
      await sorted(t.query(api.searching.titles, { text: "fox dog" }))
    ),
    expected: ["one", "two"],
  },
  {
    name: "puts the better match first",
    run: async (t) => (
      await addArticles(t),
      await t.query(api.searching.titles, { text: "quick algorithm" })
    ),
    expected: ["three", "one"],
    convexTest: { differs: "it has no order of relevance" },
  },
  {
    name: "filters by a field",
    run: async (t) => {
      await addArticles(t);
      return await t.query(api.searching.titles, { text: "quick", category: "code" });
    },
    expected: ["three"],
  },
  {
    name: "follows changes and deletions",
    run: async (t) => {
      await addArticles(t);
      await t.mutation(api.searching.editArticle, { title: "four", body: "now quick too" });
      await t.mutation(api.searching.editArticle, { title: "one", body: null });
      return await sorted(t.query(api.searching.titles, { text: "quick" }));
    },
    expected: ["four", "three"],
  },
  {
    name: "finds nothing for nothing",
    run: async (t) => (
      await addArticles(t),
      [
        await t.query(api.searching.titles, { text: "" }),
        await t.query(api.searching.titles, { text: '"*' }),
        await t.query(api.searching.titles, { text: "absent" }),
      ]
    ),
    expected: [[], [], []],
  },
];

const vectorCases: Case[] = [
  {
    name: "finds the nearest by cosine",
    run: async (t) => {
      await addPoints(t);
      const found = await t.action(api.searching.nearest, { vector: [3, 0, 0], limit: 3 });
      return found.map(([name, score]) => [name === "2x" ? "x" : name, score]);
    },
    expected: [
      ["x", 1],
      ["x", 1],
      ["xy", 0.7071],
    ],
  },
  {
    name: "filters by fields",
    run: async (t) => {
      await addPoints(t);
      return await t.action(api.searching.nearest, {
        vector: [1, 0.1, 0],
        limit: 10,
        colors: ["red", "blue"],
      });
    },
    expected: [
      ["x", 0.995],
      ["xy", 0.774],
      ["-x", -0.995],
    ],
  },
  {
    name: "refuses vectors of another length",
    run: async (t) => {
      await addPoints(t);
      const outcome = await attempt(() => t.action(api.searching.nearest, { vector: [1, 0], limit: 1 }));
      return "error" in (outcome as object);
    },
    expected: true,
    convexTest: { differs: "it takes vectors of any length" },
  },
];

export const search: Area = { area: "search", cases: [...textCases, ...vectorCases] };
