/** The fields of the forms that create and edit a key. */
import { Field } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { MAX_KEY_NAME_LENGTH } from '@farebox/ledger';
import { getProviderName } from '@farebox/providers/list';
import type { FC } from 'hono/jsx';
import { describeAmbiguity } from '../ambiguous-number.ts';
import {
  ALL_MODELS_CLEARED,
  EMPTY_FORM,
  FIELD_NAMES,
  type KeyFormField,
  type KeyFormValues,
  type TextField,
} from './key-form.ts';
import type { OfferedModels } from './offered-models.ts';

type KeyFieldsProps = Readonly<{
  messages: Messages;
  values: KeyFormValues;
  errors: readonly KeyFormField[];
  offered: OfferedModels;
}>;

const ModelChoices: FC<Readonly<{ offered: OfferedModels; selected: ReadonlySet<string> }>> = ({
  offered,
  selected,
}) => (
  <>
    {offered.map(({ provider, models }) => (
      <details open={models.some((model) => selected.has(model))}>
        <summary>{getProviderName(provider)}</summary>
        {models.map((model) => (
          <label class="choice">
            <input type="checkbox" name="models" value={model} checked={selected.has(model)} />{' '}
            {model}
          </label>
        ))}
      </details>
    ))}
  </>
);

const OtherModelsField: FC<KeyFieldsProps> = ({ messages: { keys: t }, values, errors }) => {
  const isInvalid = errors.includes('otherModels');
  return (
    <p class="field">
      <label for="other_models">{t.otherModels}</label>
      <small id="other_models-hint" class="hint">
        {t.otherModelsHint}
      </small>
      {isInvalid && (
        <strong id="other_models-problem" class="problem">
          {t.errors.otherModels}
        </strong>
      )}
      <textarea
        id="other_models"
        name="other_models"
        rows={2}
        maxlength={4_000}
        aria-describedby={
          isInvalid ? 'other_models-hint other_models-problem' : 'other_models-hint'
        }
      >
        {values.otherModels}
      </textarea>
    </p>
  );
};

const ModelFields: FC<KeyFieldsProps> = (props) => {
  const { values, errors } = props;
  const { keys: t } = props.messages;
  const isContradiction = errors.includes('scope');
  return (
    <fieldset>
      <legend>{t.models}</legend>
      {errors.includes('models') && <strong class="problem">{t.errors.models}</strong>}
      {isContradiction && <strong class="problem">{t.errors.scope}</strong>}
      <label class="choice">
        <input type="radio" name="scope" value="all" checked={values.scope === 'all'} />{' '}
        {t.allModels}
      </label>
      <label class="choice">
        <input type="radio" name="scope" value="some" checked={values.scope === 'some'} />{' '}
        {t.onlyModels}
      </label>
      {isContradiction && (
        <label class="choice">
          <input type="radio" name="scope" value={ALL_MODELS_CLEARED} /> {t.allModelsCleared}
        </label>
      )}
      <ModelChoices offered={props.offered} selected={new Set(values.models)} />
      <OtherModelsField {...props} />
    </fieldset>
  );
};

type FieldSpec = Readonly<{
  field: TextField;
  label: (t: Messages['keys']) => string;
  hint: (t: Messages['keys']) => string;
  input: Readonly<{
    type?: 'datetime-local';
    inputmode?: 'numeric' | 'decimal';
    maxlength?: number;
    autocomplete?: 'off';
    required?: true;
  }>;
}>;

const AMOUNT_INPUT = { inputmode: 'decimal', maxlength: 24, autocomplete: 'off' } as const;
const COUNT_INPUT = { inputmode: 'numeric', maxlength: 7, autocomplete: 'off' } as const;
const MULTIPLE_INPUT = { inputmode: 'decimal', maxlength: 10, autocomplete: 'off' } as const;

function periodBudget(field: 'dayBudget' | 'weekBudget' | 'monthBudget'): FieldSpec {
  return {
    field,
    label: (t) => t.periodBudgetFields[field],
    hint: (t) => t.periodBudgetHints[field],
    input: AMOUNT_INPUT,
  };
}

const OTHER_BUDGETS: readonly FieldSpec[] = [
  periodBudget('dayBudget'),
  periodBudget('weekBudget'),
  { field: 'budget', label: (t) => t.budgetField, hint: (t) => t.budgetHint, input: AMOUNT_INPUT },
];

const MAIN_FIELDS: readonly FieldSpec[] = [
  {
    field: 'name',
    label: (t) => t.name,
    hint: (t) => t.nameHint,
    input: { maxlength: MAX_KEY_NAME_LENGTH, autocomplete: 'off', required: true },
  },
  periodBudget('monthBudget'),
  {
    field: 'expires',
    label: (t) => t.expiresField,
    hint: (t) => t.expiresHint,
    input: { type: 'datetime-local' },
  },
];

const CALL_LIMITS: readonly FieldSpec[] = [
  {
    field: 'maxOutputPrice',
    label: (t) => t.maxOutputPriceField,
    hint: (t) => t.maxOutputPriceHint,
    input: AMOUNT_INPUT,
  },
  { field: 'perMinute', label: (t) => t.perMinute, hint: (t) => t.emptyIsNone, input: COUNT_INPUT },
  {
    field: 'concurrent',
    label: (t) => t.concurrent,
    hint: (t) => t.emptyIsNone,
    input: COUNT_INPUT,
  },
];

const SPEND_GUARD: readonly FieldSpec[] = [
  {
    field: 'alertMultiple',
    label: (t) => t.alertMultiple,
    hint: (t) => t.multipleHint,
    input: MULTIPLE_INPUT,
  },
  {
    field: 'pauseMultiple',
    label: (t) => t.pauseMultiple,
    hint: (t) => t.multipleHint,
    input: MULTIPLE_INPUT,
  },
];

function describeProblem(
  { field, input }: Pick<FieldSpec, 'field' | 'input'>,
  { values, messages }: KeyFieldsProps,
): string {
  const ambiguity =
    input.inputmode === 'decimal' ? describeAmbiguity(values[field], messages) : undefined;
  return ambiguity ?? messages.keys.errors[field];
}

const FieldList: FC<KeyFieldsProps & Readonly<{ fields: readonly FieldSpec[] }>> = (props) => {
  const { fields, messages, values, errors } = props;
  const { keys: t } = messages;
  return (
    <>
      {fields.map(({ field, label, hint, input }) => (
        <Field
          name={FIELD_NAMES[field]}
          label={label(t)}
          hint={hint(t)}
          value={values[field]}
          problem={errors.includes(field) ? describeProblem({ field, input }, props) : undefined}
          {...input}
        />
      ))}
    </>
  );
};

const FOLDED_FIELDS: readonly FieldSpec[] = [...OTHER_BUDGETS, ...CALL_LIMITS, ...SPEND_GUARD];

/** Folded fields are open where one of them says something: a value of its own, or an error. */
function hasFoldedValues({ values, errors }: KeyFieldsProps): boolean {
  return FOLDED_FIELDS.some(
    ({ field }) => values[field] !== EMPTY_FORM[field] || errors.includes(field),
  );
}

/** What most keys need; the rest is folded. */
export const KeyFields: FC<KeyFieldsProps> = (props) => {
  const { keys: t } = props.messages;
  return (
    <>
      <FieldList {...props} fields={MAIN_FIELDS} />
      <ModelFields {...props} />
      <details open={hasFoldedValues(props)}>
        <summary>{t.moreLimits}</summary>
        <FieldList {...props} fields={OTHER_BUDGETS} />
        <FieldList {...props} fields={CALL_LIMITS} />
        <fieldset>
          <legend>{t.spendGuard}</legend>
          <p class="hint">{t.spendGuardText}</p>
          <FieldList {...props} fields={SPEND_GUARD} />
        </fieldset>
      </details>
    </>
  );
};
