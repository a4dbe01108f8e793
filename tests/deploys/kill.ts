import { ask } from "../gateway/client.ts";
import type { Deploys } from "./world.ts";

const LANES = 6;
const PER_LANE = 60;
const BODY = "x".repeat(1000);
/** So many POSTs arrived before a container is killed: both are at work. */
const POSTED_BEFORE = 20;

export type Killed = {
  gets: number;
  posts: number;
  /** GETs that were not answered well, a sentence each. */
  failedGets: string[];
  /** Ids of POSTs that were not: what was in progress in the container at that moment. */
  lostPosts: string[];
  /** Ids of POSTs that containers got more than once. */
  twice: string[];
  /** Ids of POSTs that were answered well, and that no container's log knows. */
  unseen: string[];
};

/** Kills one container of a service while its clients send GETs and POSTs without a pause, and waits until all are over. */
export async function killUnderLoad(
  shop: Deploys,
  port: number,
  victim: string,
  run: number,
): Promise<Killed> {
  const failedGets: string[] = [];
  const answered: string[] = [];
  const lostPosts: string[] = [];
  let killed = false;
  const before = (await shop.posted()).length;
  const lanes = Array.from({ length: LANES }, async (_, lane) => {
    for (let count = 0; count < PER_LANE; count += 1) {
      const got = await ask(port, `${shop.base}/`).then(
        ({ status }) => String(status),
        (error: unknown) => String(error),
      );
      if (got !== "200") failedGets.push(`${got}, ${killed ? "after" : "before"} the kill`);
      const id = `kill-${run}-${lane}-${count}`;
      const post = { method: "POST", body: BODY, headers: { "x-post-id": id } };
      const isAnswered = await ask(port, `${shop.base}/post`, post).then(
        ({ status }) => status === 200,
        () => false,
      );
      (isAnswered ? answered : lostPosts).push(id);
    }
  });
  await shop.world.eventually(
    "POSTs arrive",
    async () => (await shop.posted()).length > before + POSTED_BEFORE,
  );
  await shop.world.docker.getContainer(victim).kill();
  killed = true;
  await Promise.all(lanes);
  // The one that was killed tells of what it got, too.
  const seen = await shop.posted();
  const once = new Set(seen);
  return {
    ...{ gets: LANES * PER_LANE, posts: LANES * PER_LANE, failedGets, lostPosts },
    twice: seen.filter((id, index) => seen.indexOf(id) !== index),
    unseen: answered.filter((id) => !once.has(id)),
  };
}
