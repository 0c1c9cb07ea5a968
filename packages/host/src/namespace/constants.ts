/** Flags of setns(2), unshare(2), mount(2) and umount2(2), by their uapi names. */
export const CLONE_NEWNET = 0x4000_0000;
export const MS_BIND = 0x1000;
export const MS_REC = 0x4000;
export const MS_SHARED = 0x10_0000;
export const MNT_DETACH = 2;
