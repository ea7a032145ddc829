/** The form of a key: what it is called, what it is held to, and its brakes. */
import { Field } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import type { FC } from 'hono/jsx';
import { type KeyFormField, type KeyFormValues, LISTED_MODELS } from './key-form.ts';

type KeyFieldsProps = Readonly<{
  messages: Messages;
  values: KeyFormValues;
  errors: readonly KeyFormField[];
}>;

const ModelFields: FC<KeyFieldsProps> = ({ messages, values, errors }) => {
  const { keys: t } = messages;
  const selected = new Set(values.models);
  const problem = errors.includes('models') ? t.errors.models : undefined;
  return (
    <fieldset>
      <legend>{t.models}</legend>
      {problem !== undefined && <strong class="problem">{problem}</strong>}
      <label class="choice">
        <input type="radio" name="scope" value="all" checked={values.scope === 'all'} />{' '}
        {t.allModels}
      </label>
      <label class="choice">
        <input type="radio" name="scope" value="some" checked={values.scope === 'some'} />{' '}
        {t.onlyModels}
      </label>
      {LISTED_MODELS.map(({ provider, models }) => (
        <details open={models.some((model) => selected.has(model))}>
          <summary>{provider}</summary>
          {models.map((model) => (
            <label class="choice">
              <input type="checkbox" name="models" value={model} checked={selected.has(model)} />{' '}
              {model}
            </label>
          ))}
        </details>
      ))}
      <p class="field">
        <label for="others">{t.otherModels}</label>
        <small id="others-hint" class="hint">
          {t.otherModelsHint}
        </small>
        {errors.includes('otherModels') && (
          <strong id="others-problem" class="problem">
            {t.errors.otherModels}
          </strong>
        )}
        <textarea
          id="others"
          name="others"
          rows={2}
          maxlength={4_000}
          aria-describedby={
            errors.includes('otherModels') ? 'others-hint others-problem' : 'others-hint'
          }
        >
          {values.otherModels}
        </textarea>
      </p>
    </fieldset>
  );
};

export const KeyFields: FC<KeyFieldsProps> = (props) => {
  const { messages, values, errors } = props;
  const { keys: t } = messages;
  const problem = (field: Exclude<KeyFormField, 'models' | 'otherModels'>) =>
    errors.includes(field) ? t.errors[field] : undefined;
  return (
    <>
      <Field
        name="name"
        label={t.name}
        hint={t.nameHint}
        value={values.name}
        problem={problem('name')}
        maxlength={64}
        autocomplete="off"
        required
      />
      <Field
        name="budget"
        label={t.budgetField}
        hint={t.budgetHint}
        value={values.budget}
        problem={problem('budget')}
        inputmode="decimal"
        maxlength={20}
        autocomplete="off"
      />
      <Field
        name="expires"
        type="datetime-local"
        label={t.expiresField}
        hint={t.expiresHint}
        value={values.expires}
        problem={problem('expires')}
      />
      <ModelFields {...props} />
      <Field
        name="per_minute"
        label={t.perMinute}
        hint={t.emptyIsNone}
        value={values.perMinute}
        problem={problem('perMinute')}
        inputmode="numeric"
        maxlength={7}
        autocomplete="off"
      />
      <Field
        name="concurrent"
        label={t.concurrent}
        hint={t.emptyIsNone}
        value={values.concurrent}
        problem={problem('concurrent')}
        inputmode="numeric"
        maxlength={7}
        autocomplete="off"
      />
      <fieldset>
        <legend>{t.spendGuard}</legend>
        <p class="hint">{t.spendGuardText}</p>
        <Field
          name="notice_at"
          label={t.alertMultiple}
          hint={t.multipleHint}
          value={values.alertMultiple}
          problem={problem('alertMultiple')}
          inputmode="decimal"
          maxlength={10}
          autocomplete="off"
        />
        <Field
          name="pause_at"
          label={t.pauseMultiple}
          hint={t.multipleHint}
          value={values.pauseMultiple}
          problem={problem('pauseMultiple')}
          inputmode="decimal"
          maxlength={10}
          autocomplete="off"
        />
      </fieldset>
    </>
  );
};
