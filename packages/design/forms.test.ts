import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { formBodyLimit, readForm } from './forms.ts';

const app = new Hono();
app.use(formBodyLimit);
app.post('/', async (c) => {
  const form = await readForm(c);
  return c.json({
    text: form.text('a'),
    long: form.longText('a').length,
    values: form.values('b'),
  });
});

async function post(body: BodyInit): Promise<unknown> {
  return (await app.request('/', { method: 'POST', body })).json();
}

describe('a form', () => {
  it('gives the text of a field and all values of a repeated one', async () => {
    const body = new URLSearchParams([
      ['a', 'x'],
      ['b', '1'],
      ['b', '2'],
    ]);
    expect(await post(body)).toEqual({ text: 'x', long: 1, values: ['1', '2'] });
  });

  it('reads a missing field, a file and an overlong text as empty', async () => {
    expect(await post(new URLSearchParams())).toEqual({ text: '', long: 0, values: [] });
    const file = new FormData();
    file.set('a', new File(['x'], 'x.txt'));
    expect(await post(file)).toMatchObject({ text: '' });
    const long = new URLSearchParams({ a: 'x'.repeat(4_097) });
    expect(await post(long)).toEqual({ text: '', long: 4_097, values: [] });
  });

  it('reads a body that is not a form as one without fields', async () => {
    expect(await post('{"a": "x"}')).toEqual({ text: '', long: 0, values: [] });
  });

  it('is answered 413 above 64 KiB', async () => {
    const body = new URLSearchParams({ a: 'x'.repeat(65 * 1024) });
    expect((await app.request('/', { method: 'POST', body })).status).toBe(413);
  });
});
