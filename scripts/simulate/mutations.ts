/** Deliberate faults, each one small edit of one file: what of them the simulation finds is in docs/simulation.md. */

export type Mutation = {
  /** What goes wrong with it. */
  what: string;
  file: string;
  /** Occurs exactly once in the file. */
  from: string;
  to: string;
};

export const MUTATIONS: readonly Mutation[] = [
  {
    what: "an orphan goes at the first look",
    file: "worker/orphans.ts",
    from: "if (since === undefined) this.firstSeen.set(namespace, now);",
    to: "if (since === undefined) due.push(namespace);",
  },
  {
    what: "an orphan goes at the second look, however soon",
    file: "worker/orphans.ts",
    from: "now - since >= this.graceMs",
    to: "now >= since",
  },
  {
    what: "an absent environment keeps its host ports",
    file: "convex/model/environments.ts",
    from: "for (const service of Object.keys(row.ports ?? {})) {",
    to: "for (const service of [] as string[]) {",
  },
  {
    what: "an absent environment keeps its egress subnet",
    file: "convex/model/environments.ts",
    from: "if (row.egressSubnet) await releaseSubnet(",
    to: "if (row.egressSubnet === null) await releaseSubnet(",
  },
  {
    what: "a port that cannot be bound is exchanged twice where the call is sent twice",
    file: "convex/model/environments.ts",
    from: "if (row.ports[service] !== taken.port) return row.ports[service];",
    to: "",
  },
  {
    what: "the same of a subnet that Docker says is taken",
    file: "convex/model/environments.ts",
    from: "if (row[field] !== taken.subnet) return row[field];",
    to: "",
  },
  {
    what: "a subnet that an orphan's network has is set aside for good",
    file: "worker/turn/takenSubnets.ts",
    from: "if (holder) continue;",
    to: "",
  },
  {
    what: "what is kept for a rollback is kept for ever",
    file: "convex/model/deployReports.ts",
    from: 'await ctx.db.patch("environments", id, { kept: undefined });',
    to: "",
  },
  {
    what: "a workspace may be filled though its content counts already",
    file: "worker/filling/confirm.ts",
    from: "if (!mark || isMadeByMount(mark)) throw",
    to: "if (mark === undefined) throw",
  },
  {
    what: "a workspace may be filled by two at once",
    file: "worker/filling/confirm.ts",
    from: "if (other) throw",
    to: "if (other === null) throw",
  },
  {
    what: "a workspace may be filled though a container uses it",
    file: "worker/filling/confirm.ts",
    from: "if (user) throw",
    to: "if (user === null) throw",
  },
  {
    what: "a container may start on a workspace that is not filled yet",
    file: "worker/filling/confirm.ts",
    from: "if (mark && !isMadeByMount(mark)) throw",
    to: "if (mark === undefined) throw",
  },
  {
    what: "a container may start on another volume than was planned for",
    file: "worker/filling/confirm.ts",
    from: "if (found && fillingOf(found) === filling) return;",
    to: "if (found !== undefined) return;",
  },
  {
    what: "data goes by what was wanted minutes ago",
    file: "worker/turn/stillWanted.ts",
    from: "if (now === asked ||",
    to: "if (asked ||",
  },
  {
    what: "a project that is marked while its turn runs has no other turn",
    file: "worker/queue.ts",
    from: "if (entry.running) {\n      entry.again = true;",
    to: "if (entry.running) {",
  },
  {
    what: "what is wanted counts as read though it changed while it was read",
    file: "worker/wanted.ts",
    from: "this.stale.delete(projectId);\n    try {\n      const spec = await this.controlPlane.project(projectId);",
    to: "try {\n      const spec = await this.controlPlane.project(projectId);\n      this.stale.delete(projectId);",
  },
  {
    what: "a report that went unanswered counts as not taken",
    file: "worker/reporter.ts",
    from: "if (this.unanswered.has(keyOf(projectId, observation.kind))) return true;",
    to: "",
  },
  {
    what: "a container that ended is still taken to answer until lists show its end",
    file: "worker/worker.ts",
    from: "this.readiness.suspend(container);",
    to: "",
  },
  {
    what: "a container stays bound to a network that is gone",
    file: "worker/plan/planNetworks.ts",
    from: "isOurs && address === null && id !== undefined &&",
    to: "isOurs && address === undefined && id !== undefined &&",
  },
  {
    what: "two networks of one name stay",
    file: "worker/plan/planNetworks.ts",
    from: "const wrong = [...(problem ? [present] : []), ...doubles];",
    to: "const wrong = problem ? [present] : doubles.slice(0, 0);",
  },
  {
    what: "a network with another subnet than is wanted stays",
    file: "worker/plan/planNetworks.ts",
    from: "if (wanted.subnet && subnet !== wanted.subnet)",
    to: "if (wanted.subnet === undefined && subnet !== wanted.subnet)",
  },
  {
    what: "what is paused is stopped without being woken",
    file: "worker/plan/planHibernated.ts",
    from: 'stop([plan.add(kind, { do: "unpause container", target: name }, "a paused one cannot be stopped")]);',
    to: "stop([]);",
  },
  {
    what: "a workspace that is mounted goes with its release",
    file: "worker/plan/planOldWorkspaces.ts",
    from: "if (inUse.has(release) || mounted.has(name)) continue;",
    to: "",
  },
  {
    what: "a snapshot that was just taken goes before its report is answered",
    file: "worker/plan/plan.ts",
    from: "isAwaited(spec) ? undefined : spec.snapshots",
    to: "spec.snapshots",
  },
  {
    what: "tests that are over wait for files that are gone",
    file: "worker/snapshots/neededSnapshots.ts",
    from: 'if (kind === "test" && release.result !== null) return [];',
    to: "",
  },
  {
    what: "an unhealthy verdict from a pause counts after it",
    file: "worker/staleHealth.ts",
    from: "if (this.stale.size === 0) return snapshot;",
    to: "if (this.stale.size >= 0) return snapshot;",
  },
  {
    what: "a crash loop is not left in peace",
    file: "worker/crashes.ts",
    from: "if (known.at.length >= LIMIT) {",
    to: "if (known.at.length < 0) {",
  },
  {
    what: "routes that the gateway lost are not pushed again",
    file: "worker/routeTable.ts",
    from: "for (const namespace of lost) this.pushed.delete(namespace);",
    to: "lost.length = 0;",
  },
  {
    what: "routes are pushed with versions by a clock that went back",
    file: "worker/routeTable.ts",
    from: "this.lastVersion = Math.max(this.lastVersion, ...versions.values());",
    to: "",
  },
  {
    what: "the ports of a deleted project stay bound",
    file: "worker/worker.ts",
    from: "this.hostPorts.follow(namespace, [])",
    to: "Promise.resolve()",
  },
  {
    what: "events of networks are not heard",
    file: "worker/dirt.ts",
    from: 'return namespace === undefined ? null : { kind: "namespace", namespace, withdraw: null };',
    to: "return namespace === undefined ? null : null;",
  },
  {
    what: "services do not wait for their database",
    file: "worker/plan/planRunning.ts",
    from: "const starts = service.attachment || silent === null;",
    to: "const starts = silent !== undefined;",
  },
  {
    what: "an environment is told to be absent before its group's network is gone",
    file: "worker/conditions/phaseOf.ts",
    from: "if (groupLeft || (",
    to: "if ((",
  },
  {
    what: "two members make what their group shares at once",
    file: "worker/groups/groupKeeper.ts",
    from: "const mine = before.then(work, work);",
    to: "const mine = work();",
  },
  {
    what: "what a group shares goes without asking who else needs it",
    file: "worker/groups/groupKeeper.ts",
    from: "const now = (await context.controlPlane.project(projectId))?.group;",
    to: "const now = await Promise.resolve(group);",
  },
  {
    what: "a group is an orphan to whoever looks at all",
    file: "worker/resync.ts",
    from: "[namespace, ...(group ? [group] : [])]",
    to: "group === undefined ? [] : [namespace]",
  },
  {
    what: "an environment is told to be gone though a route leads to it yet",
    file: "worker/conditions/phaseOf.ts",
    from: " || (routeError != null && seen.spec.subnet !== null)",
    to: "",
  },
  {
    what: "a container is whatever has its name by now",
    file: "worker/execute.ts",
    from: "return id === undefined ? name : { name, id };",
    to: "return name;",
  },
  {
    what: "what an interrupted filling had begun stays by half where the manifest changed",
    file: "worker/plan/planFill.ts",
    from: "const earlier = isThere ? startersBegun(present) : [];",
    to: "const earlier: never[] = [];",
  },
  {
    what: "a container that comes late where none is to run is not told",
    file: "worker/resync.ts",
    from: " || isToldOtherwise(context, spec, own)",
    to: "",
  },
  {
    what: "a failure is told of an environment that was never wanted",
    file: "worker/reporter.ts",
    from: "if (!last) return observation.observedGeneration > 0;",
    to: 'if (!last) return observation.phase !== "absent" || observation.observedGeneration > 0;',
  },
  {
    what: "a group's data goes with its last member that lives on the host",
    file: "worker/resync.ts",
    from: "isUnknown ? await controlPlane.groups() : []",
    to: "[]",
  },
];
