/** Numbers of the advisory locks that platforms over one PostgreSQL database share. */
export const LOCKS = {
  layout: 7_201_001,
  /** Products, gateways and groups are added and removed one after the other. */
  catalog: 7_201_003,
  tokens: 7_201_004,
  audit: 7_201_005,
  partitions: 7_201_006,
  digest: 7_201_007,
} as const;
