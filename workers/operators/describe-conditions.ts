/** The conditions of a price rule in words, as operators read them. Pure. */
import type { PriceFactor, PriceRule } from '@farebox/catalog';
import { formatCount } from '@farebox/design';

type Conditions = PriceRule['when'];
type Schedule = NonNullable<Conditions['schedule']>;
type InputCondition = NonNullable<Conditions['input']>;

const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

function formatSecondOfDay(second: number): string {
  const minutes = Math.floor(second / 60);
  return [Math.floor(minutes / 60), minutes % 60]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

/** `Mon–Fri` for days in a row, else each of them. */
function describeWeekdays(weekdays: readonly number[]): string {
  const days = weekdays.toSorted((a, b) => a - b);
  const names = days.map((day) => WEEKDAYS[day - 1] ?? String(day));
  const isRow = days.length > 2 && days.every((day, index) => day === (days[0] ?? 0) + index);
  return isRow ? `${names[0]}–${names.at(-1)}` : names.join(', ');
}

function describeOffset(minutes: number): string {
  const sign = minutes < 0 ? '−' : '+';
  return `days of UTC${sign}${formatSecondOfDay(Math.abs(minutes) * 60)}`;
}

function describeSchedule(schedule: Schedule): string[] {
  const { windows, weekdays, except, only, utcOffsetMinutes = 0 } = schedule;
  const times = windows.map(
    ([start, end]) => `${formatSecondOfDay(start)}–${formatSecondOfDay(end)}`,
  );
  return [
    ...(times.length === 0 ? [] : [`${times.join(' and ')} UTC`]),
    ...(weekdays === undefined ? [] : [describeWeekdays(weekdays)]),
    ...(except === undefined ? [] : [`not on holidays (${except})`]),
    ...(only === undefined ? [] : [`on holidays only (${only})`]),
    ...(utcOffsetMinutes === 0 ? [] : [describeOffset(utcOffsetMinutes)]),
  ];
}

function describeInput({ tokens, inclusive, buckets }: InputCondition): string {
  const counted = buckets === undefined ? 'input tokens' : `tokens of ${buckets.join(', ')}`;
  const count = formatCount(tokens, 'en');
  return inclusive ? `${count} ${counted} or more` : `more than ${count} ${counted}`;
}

/** Returns the conditions of a rule or a factor; `always` for one without any. */
export function describeConditions(when: Conditions | PriceFactor['when']): string {
  const { from, until, schedule, input, ...named }: Conditions = when;
  const parts = [
    ...(from === undefined ? [] : [`from ${from}`]),
    ...(until === undefined ? [] : [`before ${until}`]),
    ...(schedule === undefined ? [] : describeSchedule(schedule)),
    ...(input === undefined ? [] : [describeInput(input)]),
    ...Object.entries(named).map(([name, value]) => `${name} ${value}`),
  ];
  return parts.length === 0 ? 'always' : parts.join('; ');
}
