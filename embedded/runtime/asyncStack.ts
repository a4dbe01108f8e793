/**
 * Repairs what interrupting a function leaves behind. Where AsyncLocalStorage rests on async hooks (Node before 24), each
 * promise job is entered and left on a stack of ids; an interrupted job is never left, and Node ends the process when
 * its callback returns with such a stack. Node empties the stack only after an uncaught exception, so one is made and
 * caught here.
 */
export function repairAsyncStack(): void {
  queueMicrotask(() => {
    // Somebody else's handler must not be replaced, nor see an exception that is none.
    if (process.hasUncaughtExceptionCaptureCallback()) return;
    process.setUncaughtExceptionCaptureCallback(() => process.setUncaughtExceptionCaptureCallback(null));
    throw new Error("a function was interrupted");
  });
}
