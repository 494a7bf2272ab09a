/** Name of the lease by which an orchestrator process says that it is alive. */
export function ownerLease(ownerId: string): string {
  return `owner:${ownerId}`;
}
