import { useQuery, type ConvexReactClient } from "convex/react";
import { createContext, use, useCallback, useEffect, useMemo, useState, type ReactNode } from "react";
import type { FunctionReturnType } from "convex/server";
import { api } from "../../../convex/_generated/api";
import type { Verb } from "../../../core/access.ts";
import { forgetToken, keepToken, onTokenChange, readToken } from "./token.ts";

/** Who is signed in, as Convex says it. */
export type Person = NonNullable<FunctionReturnType<typeof api.tokens.whoAmI>>;

export type Session = {
  /** Null: nobody; undefined: not known yet. */
  person: Person | null | undefined;
  /** The token itself, for the worker's door. */
  token: string | null;
  /** There was a token, and it is good no more. */
  isOver: boolean;
  signIn(token: string): void;
  signOut(): void;
};

const SessionContext = createContext<Session | null>(null);

export function SessionProvider({ client, children }: { client: ConvexReactClient; children: ReactNode }) {
  const [token, setToken] = useState(readToken);
  // Until the server has judged the token, what it says of it is about nobody.
  const [judged, setJudged] = useState<string | null>(null);

  useEffect(() => {
    if (token === null) {
      client.clearAuth();
      return;
    }
    let left = false;
    client.setAuth(
      async () => token,
      () => {
        if (!left) setJudged(token);
      },
    );
    return () => {
      left = true;
    };
  }, [client, token]);
  useEffect(() => onTokenChange(() => setToken(readToken())), []);

  const signIn = useCallback((next: string) => {
    keepToken(next);
    setToken(next);
  }, []);
  const signOut = useCallback(() => {
    forgetToken();
    setToken(null);
  }, []);

  const known = useQuery(api.tokens.whoAmI, token === null || judged !== token ? "skip" : {});
  const session = useMemo<Session>(() => {
    const person = token === null ? null : known;
    return { person, token, isOver: token !== null && person === null, signIn, signOut };
  }, [token, known, signIn, signOut]);
  return <SessionContext value={session}>{children}</SessionContext>;
}

export function useSession(): Session {
  const session = use(SessionContext);
  if (!session) throw new Error("useSession is used outside SessionProvider");
  return session;
}

/** What the person who is signed in may do; pages offer nothing else. */
export type Access = {
  person: Person;
  isAdmin: boolean;
  /** Whether the token speaks of all projects. */
  seesAll: boolean;
  /** An agent needs the verb; an admin may do everything, a viewer look. */
  may(verb: Verb): boolean;
};

export function useAccess(): Access {
  const { person } = useSession();
  if (!person) throw new Error("useAccess is used where nobody is signed in");
  return useMemo(() => {
    const isAdmin = person.role === "admin";
    return {
      person,
      isAdmin,
      seesAll: person.project === null && person.role !== "agent",
      may(verb) {
        if (isAdmin) return true;
        if (person.role === "agent") return person.verbs.includes(verb);
        return person.role === "viewer" && (verb === "read" || verb === "logs" || verb === "files.read");
      },
    };
  }, [person]);
}
