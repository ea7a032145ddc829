/**
 * The prices of a call that was planned with an old catalog. No call waits for the catalog: an
 * isolate that is new, or had no call for a minute, plans with the one that it has. The read that
 * began with the call then tells the prices in effect at its hold, and the bill has those, unless it
 * would exceed the hold (docs/decisions/0028-prices-of-a-sleeping-isolate.md).
 */
import type { CatalogHolder } from '@farebox/catalog';
import type { NanoUsd } from '@farebox/money';
import type { Plan } from './plan.ts';

/** How long a settlement waits for the read: the client has its answer by then. */
const MAX_SETTLEMENT_WAIT_MS = 10_000;

type Priced = Readonly<{ cost: NanoUsd; waivedCost?: NanoUsd }>;

function getMaxCost({ cost, waivedCost = 0n }: Priced): NanoUsd {
  return cost > waivedCost ? cost : waivedCost;
}

export class PriceRevision {
  readonly #planned: Plan;
  readonly #read: Promise<void> | undefined;
  #revised: Plan | undefined;
  #isPending: boolean;

  /** Call it when `plan` is made; `catalog` is where the plan's prices are from. */
  constructor(plan: Plan, catalog: CatalogHolder) {
    this.#planned = plan;
    const read = catalog.outdatedUntil(plan.pricedAt);
    this.#isPending = read !== undefined;
    this.#read = read?.then(() => {
      this.#revised = this.#isPending ? revise(plan, catalog) : undefined;
      this.#isPending = false;
    });
  }

  /** True while it is unknown whether the plan's prices are those in effect. */
  get isPending(): boolean {
    return this.#isPending;
  }

  /** Resolves when the prices are known, or the read has taken too long: then the plan's are. */
  async whenKnown(maxMs = MAX_SETTLEMENT_WAIT_MS): Promise<void> {
    if (!this.#isPending) return;
    let timeout: ReturnType<typeof setTimeout> | undefined;
    const tooLong = new Promise<void>((resolve) => {
      timeout = setTimeout(resolve, maxMs);
    });
    await Promise.race([this.#read, tooLong]);
    clearTimeout(timeout);
    this.#isPending = false;
  }

  /** Computes a bill by the prices in effect, or by the plan's where `held` does not cover those. */
  price<Bill extends Priced>(held: NanoUsd, compute: (plan: Plan) => Bill): Bill {
    if (this.#revised === undefined) return compute(this.#planned);
    const bill = compute(this.#revised);
    return getMaxCost(bill) > held ? compute(this.#planned) : bill;
  }
}

/** Returns the plan with the prices in effect at its hold; undefined if they are the plan's. */
function revise(plan: Plan, catalog: CatalogHolder): Plan | undefined {
  const { name, prices } = plan.model;
  const inEffect = catalog.at(plan.pricedAt).catalog;
  const findOtherModel = (other: string) => inEffect.findModel(other, [plan.provider.id]);
  const model = findOtherModel(name);
  // A model that was withdrawn meanwhile is billed as it was offered.
  if (model === undefined || model.prices.version === prices.version) return undefined;
  return { ...plan, model, findOtherModel };
}
