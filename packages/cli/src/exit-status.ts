/** Exit status for a command line that nobody can mean (sysexits.h EX_USAGE). */
export const EXIT_USAGE = 64;
