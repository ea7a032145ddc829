/**
 * The public types of the deposits package: chains, addresses, deposits and results.
 * docs/decisions/0013-deposits.md explains the rules behind them.
 */
import type { AddressFamily, Instant } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';

export const CHAINS = ['tron', 'bsc', 'polygon'] as const;
export type ChainName = (typeof CHAINS)[number];

/** 0x and 64 (a hash) or 40 (an address) lowercase hexadecimal characters. */
export type Hash = string;
export type HexAddress = string;

/** A JSON-RPC provider of a chain. `header` carries its API key, if it needs one. */
export type RpcProvider = Readonly<{
  url: string;
  header?: Readonly<{ name: string; value: string }>;
}>;

/** A chain: `CHAIN_DEFAULTS` with the operator's configuration applied. */
export type Chain = Readonly<{
  name: ChainName;
  family: AddressFamily;
  /** EIP-155. TRON's is the last four bytes of its genesis block's hash. */
  chainId: number;
  /** The USDT contract. Other tokens are ignored. */
  token: HexAddress;
  decimals: number;
  /**
   * All of them must agree; the last one serves balances and screening. Empty: the chain is
   * disabled.
   */
  providers: readonly RpcProvider[];
  /** Confirmations a block needs in addition to the chain's own `finalized` tag. */
  depth: number;
  /** `depth` for an account that receives more than `largeUnits` on this chain within a day. */
  largeDepth: number;
  largeUnits: bigint;
  /** In token units. Smaller transfers (dust) wait until their sum reaches it. */
  minimumUnits: bigint;
  /** The widest and the narrowest block range of a query. */
  maxWindow: number;
  minWindow: number;
  /** How many blocks below the cursor each cron run reads again. */
  overlap: number;
  /** The first block to read. Null: the newest safe block when the chain is first scanned. */
  startBlock: number | null;
  /**
   * 4-byte selector of the contract's "is frozen" function. Null when the token can't freeze
   * addresses.
   */
  frozenSelector: string | null;
  /** Block time in milliseconds: shown to users, and used to convert time spans into blocks. */
  blockMs: number;
}>;

/**
 * The operator's extended public keys by family: the current key first, then former keys still
 * watched.
 */
export type WatchKeys = Readonly<Record<AddressFamily, readonly string[]>>;

/** Selects transfers by recipient. */
export type AddressFilter = Readonly<{
  /** The addresses put into the queries. Null: queries return the transfers to every address. */
  queriedAddresses: readonly HexAddress[] | null;
  /** Returns the recipients that are ours. */
  filterOwned: (recipients: ReadonlySet<HexAddress>) => Promise<ReadonlySet<HexAddress>>;
}>;

export type DepositState = 'pending' | 'final' | 'credited' | 'dust' | 'in_review' | 'closed';

/** A transfer as its account's owner sees it. */
export type Deposit = Readonly<{
  chain: ChainName;
  txHash: Hash;
  logIndex: number;
  blockNumber: number;
  units: bigint;
  amount: NanoUsd | null;
  /** The platform's margin, which `amount` leaves out; 0 until it is set. */
  fee: NanoUsd;
  state: DepositState;
  reason: string | null;
  seenAt: Instant;
  creditedAt: Instant | null;
}>;

/** The result of a user's claim that a transaction wasn't credited. */
export type ClaimResult =
  | Readonly<{ ok: true; deposits: readonly Deposit[] }>
  | Readonly<{
      ok: false;
      reason: /** The hash isn't 64 hexadecimal characters. */
        | 'malformed'
        /**
         * No provider of this network knows the transaction: it is on another network, or not mined
         * yet.
         */
        | 'not_found'
        /** The transaction failed on the chain. */
        | 'failed'
        /** It moved another token to the account's address. */
        | 'wrong_token'
        /** It moved USDT, but not to an address of this account. */
        | 'not_your_address'
        /** It moved no token. */
        | 'no_transfer'
        /** It is mined but not final yet. */
        | 'not_final'
        | 'network_unavailable'
        | 'chain_halted';
      /** With `not_final`: the blocks on top of it, and how many it needs. */
      confirmations?: number;
      requiredConfirmations?: number;
    }>;

/** An account's deposit address, verified against the account object and the operator's key. */
export type VerifiedAddress = Readonly<{
  family: AddressFamily;
  /**
   * The address as wallets of the family write it: EIP-55 mixed case, or Base58Check beginning with
   * T.
   */
  text: string;
  hex: HexAddress;
}>;
