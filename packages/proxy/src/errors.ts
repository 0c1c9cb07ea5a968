import { errorKinds, kind } from '@tenet/std';

/** Every way in which what is installed fails to be read. */
export const { fail: failProxy, table: PROXY_ERRORS } = errorKinds({
  LISTING_MALFORMED: kind<{ problem: string }>({
    says: ({ problem }) => `text is no listing of the nftables table ip tenet: ${problem}`,
    remedy: () => 'check that nft is of version 1.0.6 or newer, and that its whole output was read',
  }),
});
