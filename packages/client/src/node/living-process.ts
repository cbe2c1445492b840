import { errorCode } from './error-code.ts';

/** Whether a process of this machine lives; it may be another that was given the id later. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Somebody else's process may not be signaled, but it is there.
    return errorCode(error) === 'EPERM';
  }
}
