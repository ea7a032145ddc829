/**
 * The prices of one call, where its isolate may have had old ones: an isolate that is new, or had no
 * call for a minute, plans with what it has, because no call waits for the catalog. The read that
 * began with the call then tells the prices in effect at its hold, and the bill has those, unless it
 * would exceed the hold; or that the model was withdrawn, and then nothing of the answer is passed on
 * (docs/decisions/0028-prices-of-a-sleeping-isolate.md).
 */
import { type Catalog, type CatalogHolder, type Model, whenEnded } from '@farebox/catalog';
import type { NanoUsd } from '@farebox/money';
import type { Provider } from '@farebox/providers';

/** How long a settlement waits for the read: the client has its answer by then. */
const MAX_SETTLEMENT_WAIT_MS = 10_000;

type Priced = Readonly<{ cost: NanoUsd; waivedCost?: NanoUsd }>;

function getMaxCost({ cost, waivedCost = 0n }: Priced): NanoUsd {
  return cost > waivedCost ? cost : waivedCost;
}

/** A plan of a call, in any dialect or to an operation. */
type PricedPlan = Readonly<{ model: Model; provider: Provider; pricedAt: number }>;

/** Returns the plan with other prices of its model, which are those of the catalog. */
type Reprice<P> = (plan: P, model: Model, inEffect: Catalog) => P;

export class PriceRevision<P extends PricedPlan> {
  readonly #planned: P;
  readonly #read: Promise<void> | undefined;
  #revised: P | undefined;
  #isPending: boolean;
  #isWithdrawn = false;

  /** Call it when `plan` is made; `catalog` is where the plan's prices are from. */
  constructor(plan: P, catalog: CatalogHolder, reprice: Reprice<P>) {
    this.#planned = plan;
    this.#read = catalog.outdatedUntil(plan.pricedAt);
    this.#isPending = this.#read !== undefined;
    // It may run in the context of another request, so it only sets fields.
    this.#read?.then(() => {
      if (!this.#isPending) return;
      this.#isPending = false;
      const { provider, model, pricedAt } = plan;
      const inEffect = catalog.at(pricedAt).catalog;
      const current = inEffect.findModel(model.name, [provider.id]);
      this.#isWithdrawn = current === undefined;
      const isPricedAnew = current !== undefined && hasOtherPrices(current, model);
      this.#revised = isPricedAnew ? reprice(plan, current, inEffect) : undefined;
    });
  }

  /** True while the prices in effect may differ from the plan's. */
  get isPending(): boolean {
    return this.#isPending;
  }

  /** True if the model was no longer offered at the moment of the plan. */
  get isWithdrawn(): boolean {
    return this.#isWithdrawn;
  }

  /** Resolves when the read has ended, or after `maxMs`: then it may still be pending. */
  async whenRead(maxMs: number): Promise<void> {
    if (this.#isPending && this.#read !== undefined) await whenEnded(this.#read, maxMs);
  }

  /** Resolves when the prices are known, or the read has taken too long: then the plan's are. */
  async whenKnown(maxMs = MAX_SETTLEMENT_WAIT_MS): Promise<void> {
    await this.whenRead(maxMs);
    this.#isPending = false;
  }

  /** Computes a bill by the prices in effect, or by the plan's where `held` does not cover those. */
  price<Bill extends Priced>(held: NanoUsd, compute: (plan: P) => Bill): Bill {
    if (this.#revised === undefined) return compute(this.#planned);
    const bill = compute(this.#revised);
    return getMaxCost(bill) > held ? compute(this.#planned) : bill;
  }
}

function hasOtherPrices({ prices }: Model, planned: Model): boolean {
  return prices.version !== planned.prices.version;
}
