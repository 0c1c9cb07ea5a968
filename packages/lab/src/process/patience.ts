/**
 * By how much every deadline of the lab grows, from `TENET_LAB_PATIENCE`, and the pauses between looks with it: a machine
 * whose CPUs are emulated is 10 to 20 times slower than those that they are meant for.
 */
export const PATIENCE = Number(process.env.TENET_LAB_PATIENCE ?? 1);
