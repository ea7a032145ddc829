/** The form of a key: what it is called, what it is held to, and its brakes. */
import type { Texts } from '@farebox/languages';
import type { FC } from 'hono/jsx';
import { Field } from '../page.tsx';
import { OFFERED_MODELS, type Typed, type TypedField } from './asked.ts';

type Filled = Readonly<{ texts: Texts; typed: Typed; flaws: readonly TypedField[] }>;

const Models: FC<Filled> = ({ texts, typed, flaws }) => {
  const { keys: t } = texts;
  const ticked = new Set(typed.models);
  const problem = flaws.includes('models') ? t.problems.models : undefined;
  return (
    <fieldset>
      <legend>{t.models}</legend>
      {problem !== undefined && <strong class="problem">{problem}</strong>}
      <label class="choice">
        <input type="radio" name="scope" value="all" checked={typed.scope === 'all'} />{' '}
        {t.allModels}
      </label>
      <label class="choice">
        <input type="radio" name="scope" value="some" checked={typed.scope === 'some'} />{' '}
        {t.onlyModels}
      </label>
      {OFFERED_MODELS.map(({ provider, models }) => (
        <details open={models.some((model) => ticked.has(model))}>
          <summary>{provider}</summary>
          {models.map((model) => (
            <label class="choice">
              <input type="checkbox" name="models" value={model} checked={ticked.has(model)} />{' '}
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
        {flaws.includes('others') && (
          <strong id="others-problem" class="problem">
            {t.problems.others}
          </strong>
        )}
        <textarea
          id="others"
          name="others"
          rows={2}
          maxlength={4_000}
          aria-describedby={flaws.includes('others') ? 'others-hint others-problem' : 'others-hint'}
        >
          {typed.others}
        </textarea>
      </p>
    </fieldset>
  );
};

export const KeyFields: FC<Filled> = (props) => {
  const { texts, typed, flaws } = props;
  const { keys: t } = texts;
  const problem = (field: Exclude<TypedField, 'models' | 'others'>) =>
    flaws.includes(field) ? t.problems[field] : undefined;
  return (
    <>
      <Field
        name="name"
        label={t.name}
        hint={t.nameHint}
        value={typed.name}
        problem={problem('name')}
        maxlength={64}
        autocomplete="off"
        required
      />
      <Field
        name="budget"
        label={t.budgetField}
        hint={t.budgetHint}
        value={typed.budget}
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
        value={typed.expires}
        problem={problem('expires')}
      />
      <Models {...props} />
      <Field
        name="per_minute"
        label={t.perMinute}
        hint={t.emptyIsNone}
        value={typed.perMinute}
        problem={problem('perMinute')}
        inputmode="numeric"
        maxlength={7}
        autocomplete="off"
      />
      <Field
        name="concurrent"
        label={t.concurrent}
        hint={t.emptyIsNone}
        value={typed.concurrent}
        problem={problem('concurrent')}
        inputmode="numeric"
        maxlength={7}
        autocomplete="off"
      />
      <fieldset>
        <legend>{t.brakes}</legend>
        <p class="hint">{t.brakesText}</p>
        <Field
          name="notice_at"
          label={t.noticeAt}
          hint={t.brakeHint}
          value={typed.noticeAt}
          problem={problem('noticeAt')}
          inputmode="decimal"
          maxlength={10}
          autocomplete="off"
        />
        <Field
          name="pause_at"
          label={t.pauseAt}
          hint={t.brakeHint}
          value={typed.pauseAt}
          problem={problem('pauseAt')}
          inputmode="decimal"
          maxlength={10}
          autocomplete="off"
        />
      </fieldset>
    </>
  );
};
