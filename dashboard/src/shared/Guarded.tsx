import { Component, type ReactNode } from "react";
import { Problem } from "./Problem.tsx";
import { problemOf } from "./problem.ts";

type Props = { children: ReactNode; /** Another value shows the children anew. */ about?: string };
type State = { error: unknown; about?: string };

/** Shows what a part of a page failed with in that part's place; the rest goes on. */
export class Guarded extends Component<Props, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: unknown): Partial<State> {
    return { error };
  }

  static getDerivedStateFromProps(props: Props, state: State): Partial<State> | null {
    return props.about === state.about ? null : { error: null, about: props.about };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return <Problem problem={problemOf(this.state.error)} onRetry={() => this.setState({ error: null })} />;
  }
}
