export { checkDataFormat, DATA_FORMAT } from "./data-dir/check-format.ts";
export { type DataDirLock, lockDataDir } from "./data-dir/lock-data-dir.ts";
export type { LeaseStore } from "./leases/lease-store.ts";
export { ownerLease } from "./leases/owner-lease.ts";
export type { Pruned } from "./maintenance/prune.ts";
export { type OwnedStore, openStore, type StoreTarget } from "./open-store.ts";
