import { Text } from "@mantine/core";
import type { ReactNode } from "react";
import { cpus as cpuText } from "../../shared/format.ts";
import type { EnvironmentView } from "../environments.ts";
import type { ProjectView } from "../tabs.tsx";
import { limitsOf } from "./environmentText.ts";
import classes from "./Facts.module.css";

type Props = { project: ProjectView; environment: EnvironmentView };

/** The rest of what is known of an environment, as terms and what they stand for. */
export function Facts({ project, environment }: Props) {
  const { kind, desired, generation, observedGeneration, subnet, egressSubnet, release } = environment;
  const limits = limitsOf(project.manifest, kind);
  const ports = Object.entries(environment.ports);
  return (
    <dl className={classes.facts} aria-label={`About ${kind}`}>
      <Fact term="Wanted">{desired}</Fact>
      <Fact term="Generation">
        {observedGeneration === generation
          ? `${generation}, seen as wanted`
          : `${generation} wanted, ${observedGeneration} seen`}
      </Fact>
      {release !== null && <Fact term="Release">{release}</Fact>}
      {limits && (
        <Fact term="Limits">
          {cpuText(limits.cpus)} and {limits.memory} of memory a container
          {limits.replicas > 1 && `, ${limits.replicas} replicas`}; {limits.disk} of files
        </Fact>
      )}
      {ports.length > 0 && (
        <Fact term="Host ports">
          {ports.map(([variable, port]) => (
            <Text key={variable} size="sm" className="mono">
              {variable}=127.0.0.1:{port}
            </Text>
          ))}
        </Fact>
      )}
      {subnet !== null && (
        <Fact term="Subnets">
          <span className="mono">{subnet}</span> inside
          {egressSubnet !== null && (
            <>
              , <span className="mono">{egressSubnet}</span> to the outside
            </>
          )}
        </Fact>
      )}
    </dl>
  );
}

function Fact({ term, children }: { term: string; children: ReactNode }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  );
}
