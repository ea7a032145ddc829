/** Networks for a stack whose tests need deposit addresses and no chain. */

/** BIP 32's test vectors 1 and 2, at the depth of an account: keys that hold nothing. */
export const UNREACHABLE_CHAINS = {
  XPUB_EVM:
    'xpub6D4BDPcP2GT577Vvch3R8wDkScZWzQzMMUm3PWbmWvVJrZwQY4VUNgqFJPMM3No2dFDFGTsxxpG5uJh7n7epu4trkrX7x7DogT5Uv6fcLW5',
  XPUB_TRON:
    'xpub6DF8uhdarytz3FWdA8TvFSvvAh8dP3283MY7p2V4SeE2wyWmG5mg5EwVvmdMVCQcoNJxGoWaU9DCWh89LojfZ537wTfunKau47EL2dhHKon',
  TRON_RPC_URLS: 'https://one.example,https://two.test',
  BSC_RPC_URLS: 'https://one.example,https://two.test',
  POLYGON_RPC_URLS: 'https://one.example,https://two.test',
} as const;
