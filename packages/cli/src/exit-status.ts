/** Exit status for a command line that nobody can mean (sysexits.h EX_USAGE). */
export const EXIT_USAGE = 64;

/** Exit status of a question that could not be answered. */
export const EXIT_UNKNOWN = 2;
