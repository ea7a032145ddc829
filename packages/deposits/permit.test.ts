/**
 * A transfer authorized by a signature (EIP-2612) emits the same `Transfer` event and is read like
 * any other.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { anvilPath, type LocalChains, startChains } from '@farebox/local';
import { encodeFunctionData, parseAbi } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHAIN_DEFAULTS, httpTransport, readReceipt } from './index.ts';

const { token, chainId } = CHAIN_DEFAULTS.polygon;
/** anvil's first account. Its private key is published and holds nothing of value. */
const OWNER = privateKeyToAccount(
  '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
);
const SPENDER = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const TO = '0x00000000000000000000000000000000000000aa';
const ABI = parseAbi([
  'function permit(address,address,uint256,uint256,uint8,bytes32,bytes32)',
  'function transferFrom(address,address,uint256)',
]);
const anvil = anvilPath();

describe.skipIf(anvil === null)('an EIP-2612 permit', () => {
  const folder = mkdtempSync(join(tmpdir(), 'farebox-permit-'));
  let chains: LocalChains;

  beforeAll(async () => {
    chains = await startChains(anvil ?? '', { stateDir: folder, blockSeconds: null });
  }, 60_000);
  afterAll(async () => {
    await chains?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function send(data: string): Promise<string> {
    const transaction = { from: SPENDER, to: token, data, gas: '0x30d40' };
    const hash = await chains.callAnvil('polygon', 'eth_sendTransaction', [transaction]);
    await chains.mine('polygon', 1);
    return String(hash);
  }

  it('and its transferFrom produce one transfer', async () => {
    const deadline = BigInt(Math.floor(Date.now() / 1000) + 3_600);
    const signature = await OWNER.signTypedData({
      domain: {
        name: 'Tether USD (test)',
        version: '1',
        chainId,
        verifyingContract: `0x${token.slice(2)}`,
      },
      types: {
        Permit: [
          { name: 'owner', type: 'address' },
          { name: 'spender', type: 'address' },
          { name: 'value', type: 'uint256' },
          { name: 'nonce', type: 'uint256' },
          { name: 'deadline', type: 'uint256' },
        ],
      },
      primaryType: 'Permit',
      message: { owner: OWNER.address, spender: SPENDER, value: 5_000_000n, nonce: 0n, deadline },
    });
    const [r, s] = [signature.slice(2, 66), signature.slice(66, 130)].map(
      (part) => `0x${part}` as const,
    );
    const v = Number.parseInt(signature.slice(130), 16);
    if (r === undefined || s === undefined) throw new Error('no signature');
    const args = [OWNER.address, SPENDER, 5_000_000n, deadline, v, r, s] as const;
    await send(encodeFunctionData({ abi: ABI, functionName: 'permit', args }));
    const moved = [OWNER.address, TO, 5_000_000n] as const;
    const hash = await send(
      encodeFunctionData({ abi: ABI, functionName: 'transferFrom', args: moved }),
    );
    const receipt = await readReceipt(httpTransport(fetch), { url: chains.urls.polygon }, hash);
    expect(receipt).toMatchObject({
      value: {
        succeeded: true,
        transfers: [
          {
            contract: token,
            sender: OWNER.address.toLowerCase(),
            recipient: TO,
            units: 5_000_000n,
          },
        ],
      },
    });
  });
});
