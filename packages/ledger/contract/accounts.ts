/** The state of an account, and the entrypoint `Accounts` that the console binds. */
import type { NanoUsd } from '@farebox/money';
import type { BindAddressResult, DepositAddress } from './deposits.ts';
import type { Entry } from './entries.ts';
import type { AccountId, KeyId } from './identifiers.ts';
import type {
  KeyStatus,
  KeyUpdate,
  LeakedKeyResult,
  MintRequest,
  MintResult,
  RevokeKeyResult,
  RollKeyRequest,
  RollKeyResult,
  UpdateKeyResult,
} from './keys.ts';

export type AccountState = 'open' | 'frozen' | 'closed';

export type AccountStatus = Readonly<{
  state: AccountState;
  posted: NanoUsd;
  held: NanoUsd;
  openCalls: number;
  /** Below this its owner is told, once until it rises above it again; null: never. */
  lowBalance: NanoUsd | null;
  /** Lines that Postgres has not acknowledged. */
  pendingEntries: number;
}>;

/**
 * Closing is asked again until `wiped`: calls in flight end first, then Postgres acknowledges the last
 * line, then the object keeps nothing but its tombstone. `posted` is the balance that was left.
 */
export type CloseResult = Readonly<{ wiped: boolean; posted: NanoUsd; openCalls: number }>;

/** What the console may ask (entrypoint `Accounts`). */
export interface AccountsRpc {
  open(account: AccountId): Promise<void>;
  /** Minting is the ledger's: row pending, putKey, row active. The key is returned once. */
  mintKey(account: AccountId, request: MintRequest): Promise<MintResult>;
  /** The object first, Postgres after, so that revocation bites at once. */
  revokeKey(account: AccountId, keyId: KeyId): Promise<RevokeKeyResult>;
  listEntries(account: AccountId, afterSeq: number, limit: number): Promise<readonly Entry[]>;
  status(account: AccountId): Promise<AccountStatus | null>;
  keys(account: AccountId): Promise<readonly KeyStatus[]>;
  /** The object first, the row after. */
  updateKey(account: AccountId, keyId: KeyId, update: KeyUpdate): Promise<UpdateKeyResult>;
  rollKey(account: AccountId, request: RollKeyRequest): Promise<RollKeyResult>;
  /** Takes the brake off until the next day. */
  resumeKey(account: AccountId, keyId: KeyId): Promise<UpdateKeyResult>;
  setLowBalance(account: AccountId, threshold: NanoUsd | null): Promise<void>;
  /** A text that may be one of our keys, found in public: revoked if it is, and its owner is told. */
  revokeLeaked(text: string): Promise<LeakedKeyResult>;
  close(account: AccountId): Promise<CloseResult>;
  /** One address per family and key, for ever: repeating the same is fine, another is a conflict. */
  bindAddress(account: AccountId, address: DepositAddress): Promise<BindAddressResult>;
  addresses(account: AccountId): Promise<readonly DepositAddress[]>;
}
