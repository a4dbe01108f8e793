import { useEffect, useState } from "react";

const STEP_MS = 20_000;

/** The present, in ms since 1970, to the third part of a minute: so that what tells an age keeps up. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), STEP_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}
