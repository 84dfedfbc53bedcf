// What a form does when it is sent: the call, a word when it is done, the problem where it is not.

import { useState } from "../html.js";
import { say } from "./toasts.js";

/** `act` makes a call, says `done` and then calls `onDone`; `problem` is what the last call met, null if nothing. */
export function useAct(onDone) {
  const [problem, setProblem] = useState(null);
  const act = async (call, done) => {
    try {
      await call();
      say(done);
      setProblem(null);
      onDone();
    } catch (error) {
      setProblem(error);
    }
  };
  return { problem, act };
}
