import { errorKinds, kind } from '@tenet/std';

/** Every way in which the command line itself fails on purpose. */
export const { fail: failCli } = errorKinds({
  FILE_UNREADABLE: kind<{ file: string }>({
    says: ({ file }) => `cannot read ${file}`,
    remedy: ({ file }) => `check that ${file} exists and is readable by this user`,
  }),
  BUNDLE_MISSING: kind<{ file: string }>({
    says: ({ file }) => `the CNI plugin's program ${file} is not there`,
    remedy: () => 'run tools/set-up, which builds it',
  }),
});
