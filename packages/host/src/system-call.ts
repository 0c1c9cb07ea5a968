import { kernelError } from './errors.ts';
import { libc } from './native.ts';

/** Passes on the result of a C function, or throws KERNEL_REFUSED with its `errno` when it is negative. */
export function checked(operation: string, result: number): number {
  if (result < 0) throw kernelError(operation, libc().errno());
  return result;
}
