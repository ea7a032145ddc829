/**
 * The steps to a correction: which calls, then their right prices, then the preview. Each is a page
 * of its own, so that they work without a script and can be gone back to. Where there are many calls,
 * a step reads a part of them and offers to go on.
 */
import {
  type BilledGeneration,
  type CallPosition,
  type CorrectionRule,
  findCorrectableCall,
  type RuleCalls,
} from '@farebox/database/operators';
import { Field, formatCount, Money, readForm } from '@farebox/design';
import { BUCKETS, type Bucket, formatUsd } from '@farebox/money';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { newId } from './adjustment-workflow.ts';
import { auditView } from './audited-action.ts';
import {
  type CorrectionScope,
  type FieldReader,
  parseCallId,
  parseCorrectionScope,
  parsePosition,
  parseRuleCalls,
  priceFieldName,
} from './correction-plan.ts';
import {
  NO_SUMS,
  type PlanSums,
  previewCorrection,
  type RuleKinds,
  readRuleKinds,
} from './correction-preview.ts';
import { errorPage, Fact, operatorPage, ReasonField, Timestamp } from './layout.tsx';
import type { OperatorContext, OperatorEnv } from './operator-auth.ts';
import { BUCKET_LABELS } from './strings.ts';

export const CORRECTIONS_PATH = '/operators/corrections';
const SELECTION_PATH = `${CORRECTIONS_PATH}/new`;
const PREVIEW_PATH = `${CORRECTIONS_PATH}/preview`;
/** What says which calls are meant, and what they should have cost. */
const SELECTION_FIELDS = ['scope', 'call', 'model', 'price_rule', 'from', 'until'];
const SCOPE_FIELDS = [...SELECTION_FIELDS, 'cost', ...BUCKETS.map(priceFieldName)];

export const correctionSteps = new Hono<OperatorEnv>();

type Hidden = Readonly<Record<string, string>>;

const HiddenFields: FC<{ fields: Hidden }> = ({ fields }) => (
  <>
    {Object.entries(fields).map(([name, value]) => (
      <input type="hidden" name={name} value={value} />
    ))}
  </>
);

/** The fields of these names that are filled in. */
function repeatFields(text: FieldReader, names: readonly string[]): Hidden {
  const fields = names.map((name) => [name, text(name)] as const);
  return Object.fromEntries(fields.filter(([, value]) => value !== ''));
}

function toHiddenPosition({ createdAt, id }: CallPosition): Hidden {
  return { after_at: String(createdAt), after_id: id };
}

/** The first step: one call, or all calls of a price rule in a period. */
export const SelectionForms: FC = () => (
  <>
    <h2>One call</h2>
    <form method="get" action={SELECTION_PATH}>
      <HiddenFields fields={{ scope: 'call' }} />
      <Field name="call" label="Call ID" required maxlength={32} />
      <button type="submit">Next</button>
    </form>
    <h2>All calls of a price rule</h2>
    <form method="get" action={SELECTION_PATH}>
      <HiddenFields fields={{ scope: 'rule' }} />
      <Field name="model" label="Model" required maxlength={128} />
      <Field name="price_rule" label="Price rule, as on the bill" required maxlength={160} />
      <Field name="from" label="From (UTC)" hint="2026-11-27 or 2026-11-27T14:30" required />
      <Field name="until" label="Until, not included (UTC)" required />
      <button type="submit">Next</button>
    </form>
  </>
);

const SelectionFacts: FC<{ rule: RuleCalls }> = ({ rule: { model, priceRule, from, until } }) => (
  <>
    <Fact name="Model">{model}</Fact>
    <Fact name="Price rule">{priceRule}</Fact>
    {until > from && (
      <Fact name="Period">
        <Timestamp at={from} /> – <Timestamp at={until} />
      </Fact>
    )}
  </>
);

/** Which calls a correction concerns, and their right prices. */
export const RuleFacts: FC<{ rule: CorrectionRule }> = ({ rule }) => (
  <>
    <SelectionFacts rule={rule} />
    {BUCKETS.map((bucket) => {
      const price = rule.prices[bucket];
      if (price === undefined) return null;
      return (
        <Fact name={`${BUCKET_LABELS[bucket]}, right price per million tokens`}>
          <Money language="en" amount={price} />
        </Fact>
      );
    })}
  </>
);

const PriceField: FC<{ bucket: Bucket; charged: bigint }> = ({ bucket, charged }) => (
  <Field
    name={priceFieldName(bucket)}
    label={`${BUCKET_LABELS[bucket]}, USD per million tokens`}
    hint={`Charged: $${formatUsd(charged)}`}
    value={formatUsd(charged)}
    inputmode="decimal"
    required
  />
);

type StepProps = Readonly<{ fields: Hidden }>;

/** The second step for a rule: the prices of the kinds of tokens that its calls used. */
const PriceForm: FC<StepProps & Readonly<{ rule: RuleCalls; found: RuleKinds }>> = (props) => {
  const { fields, rule, found } = props;
  return (
    <>
      <dl class="facts">
        <SelectionFacts rule={rule} />
        <Fact name="Calls that can be corrected">{formatCount(found.calls, 'en')}</Fact>
      </dl>
      <p>Prices contain the margin, as on the bill. Change those that were wrong.</p>
      <form method="post" action={PREVIEW_PATH}>
        <HiddenFields fields={fields} />
        {found.kinds.map((bucket) => (
          <PriceField bucket={bucket} charged={found.charged[bucket]} />
        ))}
        <button type="submit">Preview</button>
      </form>
    </>
  );
};

/** The second step for one call: its bill, and what it should have cost. */
const CostForm: FC<StepProps & Readonly<{ call: BilledGeneration }>> = ({ fields, call }) => {
  const { model, priceRule, usage, prices, charged } = call.generation;
  return (
    <>
      <dl class="facts">
        <Fact name="Model">{model}</Fact>
        <Fact name="Price rule">{priceRule ?? '–'}</Fact>
        {BUCKETS.filter((bucket) => (usage?.[bucket] ?? 0) > 0).map((bucket) => (
          <Fact name={`${BUCKET_LABELS[bucket]}, tokens`}>
            {formatCount(usage?.[bucket] ?? 0, 'en')}
            {prices !== null && ` at $${formatUsd(prices[bucket])} per million`}
          </Fact>
        ))}
        <Fact name="Charged">
          <Money language="en" amount={charged} />
        </Fact>
      </dl>
      <form method="post" action={PREVIEW_PATH}>
        <HiddenFields fields={fields} />
        <Field
          name="cost"
          label="What it should have cost, in USD"
          value={formatUsd(charged)}
          inputmode="decimal"
          required
        />
        <button type="submit">Preview</button>
      </form>
    </>
  );
};

type GoOnProps = Readonly<{ method: 'get' | 'post'; action: string; next: CallPosition }>;

/** A step that has read a part of the calls. */
const GoOn: FC<StepProps & GoOnProps> = ({ method, action, next, fields }) => (
  <>
    <p role="status">
      Read up to <Timestamp at={next.createdAt} />. There are more calls.
    </p>
    <form method={method} action={action}>
      <HiddenFields fields={{ ...fields, ...toHiddenPosition(next) }} />
      <button type="submit">Go on reading</button>
    </form>
  </>
);

async function showCall(c: OperatorContext, callId: string, fields: Hidden) {
  const call = await findCorrectableCall(c.var.deps.db, callId);
  if (call === undefined) return errorPage(c, 'nothing_to_correct');
  return operatorPage(
    c,
    { title: 'Correct one call', activePath: CORRECTIONS_PATH },
    <CostForm fields={fields} call={call} />,
  );
}

function parseKindsBefore(text: FieldReader): Pick<RuleKinds, 'calls' | 'kinds' | 'next'> | null {
  const next = parsePosition(text);
  const calls = text('calls') || '0';
  if (next === undefined || !/^\d{1,9}$/.test(calls)) return null;
  const kinds = text('kinds').split(' ');
  return {
    next,
    calls: Number(calls),
    kinds: BUCKETS.filter((bucket) => kinds.includes(bucket)),
  };
}

async function showRule(c: OperatorContext, rule: RuleCalls, text: FieldReader, fields: Hidden) {
  const before = parseKindsBefore(text);
  if (before === null) return errorPage(c, 'invalid_fields');
  const result = await readRuleKinds(c.var.deps, rule, before);
  if (!result.ok) return errorPage(c, result.reason);
  const { found } = result;
  const soFar = { ...fields, calls: String(found.calls), kinds: found.kinds.join(' ') };
  return operatorPage(
    c,
    { title: 'Correct the calls of a price rule', activePath: CORRECTIONS_PATH },
    found.next === null ? (
      <PriceForm fields={fields} rule={rule} found={found} />
    ) : (
      <>
        <dl class="facts">
          <SelectionFacts rule={rule} />
          <Fact name="Calls so far">{formatCount(found.calls, 'en')}</Fact>
        </dl>
        <GoOn method="get" action={SELECTION_PATH} next={found.next} fields={soFar} />
      </>
    ),
  );
}

correctionSteps.get(SELECTION_PATH, async (c) => {
  const view = { action: 'select_corrected_calls', permission: 'adjust', subject: null } as const;
  if (!(await auditView(c, view))) return errorPage(c, 'not_permitted');
  const text: FieldReader = (name) => c.req.query(name) ?? '';
  const fields = repeatFields(text, SELECTION_FIELDS);
  if (text('scope') === 'call') {
    const callId = parseCallId(text);
    return callId === undefined ? errorPage(c, 'invalid_fields') : showCall(c, callId, fields);
  }
  const rule = parseRuleCalls(text);
  return rule === undefined ? errorPage(c, 'invalid_fields') : showRule(c, rule, text, fields);
});

/** The sums of a preview that goes on; null if they were altered. */
function parseSumsBefore(text: FieldReader): PlanSums | null {
  const next = parsePosition(text);
  if (next === undefined) return null;
  if (next === null) return NO_SUMS;
  const [calls, amount, largest] = [text('calls'), text('amount'), text('largest')];
  if (![calls, amount, largest].every((sum) => /^\d{1,18}$/.test(sum))) return null;
  return { calls: Number(calls), amount: BigInt(amount), largest: BigInt(largest), next };
}

function toHiddenSums({ calls, amount, largest }: PlanSums): Hidden {
  return { calls: String(calls), amount: amount.toString(), largest: largest.toString() };
}

type PreviewProps = StepProps &
  Readonly<{ scope: CorrectionScope; sums: PlanSums; accounts: number; id: string }>;

const Preview: FC<PreviewProps> = ({ fields, scope, sums, accounts, id }) => (
  <>
    <dl class="facts">
      {scope.kind === 'rule' && <RuleFacts rule={scope.rule} />}
      <Fact name={sums.next === null ? 'Calls' : 'Calls so far'}>
        {formatCount(sums.calls, 'en')}
      </Fact>
      {sums.next === null && (
        <Fact name="Accounts with these calls">{formatCount(accounts, 'en')}</Fact>
      )}
      <Fact name={sums.next === null ? 'Given back' : 'Given back so far'}>
        <Money language="en" amount={sums.amount} />
      </Fact>
      <Fact name="Largest, of one call">
        <Money language="en" amount={sums.largest} />
      </Fact>
    </dl>
    {sums.next === null ? (
      <form method="post" action={CORRECTIONS_PATH}>
        <HiddenFields fields={{ correction: id, ...fields }} />
        <ReasonField />
        <button type="submit" class="danger">
          Correct
        </button>
      </form>
    ) : (
      <GoOn method="post" action={PREVIEW_PATH} next={sums.next} fields={fields} />
    )}
  </>
);

correctionSteps.post(PREVIEW_PATH, async (c) => {
  const view = { action: 'preview_correction', permission: 'adjust', subject: null } as const;
  if (!(await auditView(c, view))) return errorPage(c, 'not_permitted');
  const { text } = await readForm(c);
  const scope = parseCorrectionScope(text);
  const before = parseSumsBefore(text);
  if (scope === undefined || before === null) return errorPage(c, 'invalid_fields');
  const preview = await previewCorrection(c.var.deps, scope, before);
  if (!preview.ok) return errorPage(c, preview.reason);
  const { sums, accounts } = preview;
  const fields = { ...repeatFields(text, SCOPE_FIELDS), ...toHiddenSums(sums) };
  return operatorPage(
    c,
    { title: 'Preview of a correction', activePath: CORRECTIONS_PATH },
    <Preview fields={fields} scope={scope} sums={sums} accounts={accounts} id={newId(c)} />,
  );
});
