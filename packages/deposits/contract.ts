/**
 * What the deposits room promises those who call it: chains, addresses, and every answer there can be.
 * The rules behind it stand in docs/decisions/0013-deposits.md.
 */
import type { AddressFamily, Instant } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';

export const CHAINS = ['tron', 'bsc', 'polygon'] as const;
export type ChainName = (typeof CHAINS)[number];

/** 0x and lowercase hexadecimal characters: 64 of them, 40 of them. */
export type Hash = string;
export type HexAddress = string;

/** One JSON-RPC provider of a chain. The header carries its key where it wants one. */
export type RpcProvider = Readonly<{
  url: string;
  header?: Readonly<{ name: string; value: string }>;
}>;

/** A chain as the operator configured it, over the defaults of `CHAIN_DEFAULTS`. */
export type Chain = Readonly<{
  name: ChainName;
  family: AddressFamily;
  /** EIP-155; TRON's is the last four bytes of its genesis block's hash. */
  chainId: number;
  /** The USDT contract, the only token that is looked at. */
  token: HexAddress;
  decimals: number;
  /** The first scans, the second (where there is one) confirms. Empty: the chain is switched off. */
  providers: readonly RpcProvider[];
  /** Blocks a final one must lie below the head, whatever the chain's own tag says. */
  depth: number;
  /** The same for an account that received more than `largeUnits` on this chain within a day. */
  largeDepth: number;
  largeUnits: bigint;
  /** Below this, transfers wait until together they pass it. In the token's own units. */
  minimumUnits: bigint;
  /** The most blocks one query spans, and the least it is narrowed to. */
  maxWindow: number;
  minWindow: number;
  /** How many blocks below the cursor every tick reads again. */
  overlap: number;
  /** Without it, a network's newest block on first start. */
  startBlock: number | null;
  /** The call, four bytes, by which the token's contract says that an address is frozen; null where it can't freeze. */
  frozenSelector: string | null;
  /** Milliseconds; shown to people and used to size a day. */
  blockMs: number;
}>;

/** The operator's extended public keys of one family: the current first, then those still watched. */
export type WatchKeys = Readonly<Record<AddressFamily, readonly string[]>>;

export type DepositState = 'seen' | 'final' | 'credited' | 'dust' | 'held' | 'closed';

/** One transfer as a person sees it. */
export type Deposit = Readonly<{
  chain: ChainName;
  txHash: Hash;
  logIndex: number;
  blockNumber: number;
  units: bigint;
  amount: NanoUsd | null;
  state: DepositState;
  reason: string | null;
  seenAt: Instant;
  creditedAt: Instant | null;
}>;

/** What came of a person's "I sent it, here is the transaction". */
export type ClaimResult =
  | Readonly<{ ok: true; deposits: readonly Deposit[] }>
  | Readonly<{
      ok: false;
      reason: /** Not 64 hexadecimal characters. */
        | 'malformed'
        /** No provider of this network knows it: another network, or not yet mined. */
        | 'not_found'
        /** It failed on the chain: nothing was moved. */
        | 'failed'
        /** It moved another token to the person's address. */
        | 'wrong_token'
        /** It moved USDT, but not to an address of this account. */
        | 'not_your_address'
        /** It moved nothing that is a token. */
        | 'no_transfer'
        /** Known, and on its way. */
        | 'not_final'
        | 'network_unavailable'
        | 'chain_halted';
      /** With `not_final`: blocks on top of it, and how many are needed. */
      confirmations?: number;
      requiredConfirmations?: number;
    }>;

/** An account's place to send to, verified against its own object and the operator's key. */
export type VerifiedAddress = Readonly<{
  family: AddressFamily;
  /** As wallets of the family write it: EIP-55 mixed case, or Base58Check beginning with T. */
  text: string;
  hex: HexAddress;
}>;
